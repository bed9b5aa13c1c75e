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

#include "apps/run/checkpoint.h"
#include "core/base/tensor.h"
#include "rl/state/training_state.h"

namespace bellman {

/// A thread of its own does the hashing and the writing; the training stops only while the state is copied,
/// and of the replay only what is new since the checkpoint before is. Where there is no memory for a copy the
/// training waits until the state is on the disk, from where it lies. The newest `keep` checkpoints stay; an
/// old one is removed only when the newer ones are on the disk.
class CheckpointWriter {
 public:
  /// Of a run, always the same one.
  struct Source {
    std::function<void(Checkpoint& checkpoint)> describe;  // sets all fields but `state` and `timestep`
    std::function<void(StateWriter& state)> save;
  };

  /// `copies`: whether there is memory for a copy of the state (RunMemory::copy_fits). `before_each` is
  /// called before a checkpoint is written, in the thread that writes it. It brings what the checkpoint refers
  /// to (logs) to the disk; if it throws, no checkpoint is written. REQUIRES: keep >= 1.
  CheckpointWriter(std::filesystem::path directory, Index keep, Source source, bool copies,
                   std::function<void()> before_each = {});
  /// Waits for the last write; an error of it is lost: call finish() to hear of it.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Copies all there is for the first time: a later write() then has less to do. Nothing is written.
  void prepare();
  /// Takes a checkpoint of the run and writes it in the background; waits only while the one before it is not
  /// yet written, or there is no memory for a copy.
  /// Throws: Error, naming the file, when this one or the one before could not be written; and as the source.
  void write(Index timestep);
  /// Waits until everything is written. Throws: Error as write().
  void finish();
  /// Whether the state is copied: false from the start, or since memory was short.
  bool copies() const { return copies_; }
  /// Whether `seconds` have passed since the last write() began (0: never), and a hundred times its cost(),
  /// and it is written: checkpoints that are made when this says so cost one per cent of the time at most.
  bool is_due(double seconds) const;
  /// What the last one cost so far, in seconds: the caller's wait, and the time on a processor of the thread
  /// that writes.
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
  Checkpoint checkpoint_;  // the writer's thread's while waiting_, else the caller's; so is the copy
  SavedState saved_;
  bool waiting_ = false;  // it is to be written, or is being written
  std::string error_;     // of the last write; empty: none
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();  // of the last write
  double wait_ = 0;                 // seconds: the caller's, in it
  std::atomic<double> writing_{0};  // seconds: on a processor, of the thread
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace bellman
