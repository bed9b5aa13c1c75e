// Writes the checkpoints of a run while training goes on, and removes the old ones.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "apps/checkpoint.h"
#include "core/tensor.h"
#include "rl/training_state.h"

namespace bellman {

/// A thread of its own does the hashing and the writing; the training stops only while the state is copied,
/// and of the replay only what is new since the checkpoint before is. The newest `keep` checkpoints stay; an
/// old one is removed only when the newer ones are on the disk.
class CheckpointWriter {
 public:
  /// Puts a run's state into the checkpoint: its fields but `state` anew, its state through the writer.
  using Fill = std::function<void(Checkpoint& checkpoint, StateWriter& state)>;

  /// `before_each` is called on the writer's thread, before a checkpoint is written: what the checkpoint
  /// refers to (logs) gets to the disk there, and a checkpoint is not written when that throws. REQUIRES:
  /// keep >= 1.
  CheckpointWriter(std::filesystem::path directory, Index keep, std::function<void()> before_each = {});
  /// Waits for the last write; an error of it is lost: call finish() to hear of it.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Takes the memory that a checkpoint needs, and copies all there is for the first time: a later write()
  /// then has less to do. Nothing is written.
  void prepare(const Fill& fill);
  /// Takes a checkpoint of the run that `fill` copies, always the same one, and writes it in the background;
  /// waits only while the one before it is not yet written.
  /// Throws: Error, naming the file, when the one before could not be written; and as `fill`.
  void write(const Fill& fill);
  /// Waits until everything is written. Throws: Error as write().
  void finish();
  /// Whether `seconds` have passed since the last write() began (0: never), and a hundred times its cost(),
  /// and it is written: checkpoints that are made when this says so cost one per cent of the time at most.
  bool is_due(double seconds) const;
  /// What the last one cost so far, in seconds: the caller's wait, and the time on a processor of the thread
  /// that writes.
  double cost() const { return wait_ + writing_; }

 private:
  void run();
  void save() const;
  void wait_until_idle(std::unique_lock<std::mutex>& lock);

  std::filesystem::path directory_;
  Index keep_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> before_each_;
  Checkpoint checkpoint_;  // the writer's thread's while waiting_, else the caller's
  SavedState saved_{checkpoint_.state};
  bool waiting_ = false;  // it is to be written, or is being written
  std::string error_;     // of the last write; empty: none
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();  // of the last write
  double wait_ = 0;                 // seconds: the caller's, in it
  std::atomic<double> writing_{0};  // seconds: on a processor, of the thread
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace bellman
