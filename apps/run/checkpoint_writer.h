// Writes the checkpoints of a run while it trains, and removes the old ones.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/run_files.h"
#include "core/base/tensor.h"
#include "rl/state/training_state.h"
#include "rl/train/trainer.h"

namespace bellman {

/// Whether a run saves checkpoints while it trains, and not at its end alone, where nobody waits.
inline bool saves_while_training(const TrainConfig& config) {
  return config.checkpoint_frequency > 0 || config.checkpoint_seconds > 0;
}

/// A background thread hashes and writes. Training waits only while the state is copied; of the replay only
/// the part that is new since the last checkpoint is copied. Without memory for a copy, training waits until
/// the state is on the disk. The newest `keep` checkpoints stay; an old one is removed only when the newer
/// ones are on the disk.
class CheckpointWriter {
 public:
  /// Gives the state of a run, always the same one.
  struct Source {
    std::function<void(Checkpoint& checkpoint)> describe;  // sets all fields but `state` and `timestep`
    std::function<void(StateWriter& state)> save;
  };

  /// `copies`: whether there is memory for a copy of the state (RunMemory::copy_fits), and a use for it. `before_each` runs
  /// before each write, in the thread that writes. It syncs the files that the checkpoint refers to (logs);
  /// if it throws, no checkpoint is written. REQUIRES: keep >= 1.
  CheckpointWriter(std::filesystem::path directory, Index keep, Source source, bool copies,
                   std::function<void()> before_each = {});
  /// Waits for the last write and ignores its error: call finish() first to get it.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Makes the first copy of the whole state, so that a later write() has less to do. Nothing is written.
  void prepare();
  /// Takes a checkpoint of the run and writes it in the background. It waits only while the previous one is
  /// being written, or when there is no memory for a copy. Throws: Error, naming the file, when this one or
  /// the previous one could not be written; and as the source.
  void write(Index timestep);
  /// Waits until everything is written. Throws: Error as write().
  void finish();
  /// Whether the state is copied: false from the start, or since memory ran short.
  bool copies() const { return copies_; }
  /// Whether a checkpoint by time is due: `seconds` (0: never) and a hundred times cost() have passed since
  /// the last write() began, and it has finished. Such checkpoints take at most one per cent of the time.
  bool is_due(double seconds) const;
  /// The cost of the last checkpoint so far, in seconds: the caller's wait, and the background thread's
  /// processor time.
  double cost() const { return wait_ + writing_; }

 private:
  void run();
  bool copy();
  void save(const StateSource& state) const;
  void wait_until_idle(std::unique_lock<std::mutex>& lock);

  std::filesystem::path directory_;
  Index keep_;
  Source source_;
  bool copies_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> before_each_;
  Checkpoint checkpoint_;  // the background thread owns it and saved_ while pending_, else the caller
  SavedState saved_;
  bool pending_ = false;      // a checkpoint waits to be written, or is being written
  std::exception_ptr error_;  // of the last write; null: none
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();  // of the last write
  double wait_ = 0;                 // seconds that the caller waited in it
  std::atomic<double> writing_{0};  // seconds of the background thread on a processor
  bool ending_ = false;
  std::thread thread_;
};

/// What a run's checkpoints say beside its state.
struct CheckpointWords {
  std::string device;
  std::vector<PastSettings> history;  // the settings that it had before
  std::int64_t ranks = 1;             // that trained it, the most so far
};
/// The run's state with the metadata of its checkpoints. `ranks`: those that train along, whose parts each checkpoint names;
/// null: there are none. REQUIRES: trainer, files and ranks outlive it.
CheckpointWriter::Source checkpoint_source(Trainer& trainer, const TrainConfig& config, CheckpointWords words,
                                           const RunFiles& files, Ranks* ranks = nullptr);

}  // namespace bellman
