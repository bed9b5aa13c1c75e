// Writes the checkpoints of a run while training goes on, and removes the old ones.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "apps/checkpoint.h"
#include "core/tensor.h"

namespace bellman {

/// A thread of its own does the hashing and the writing. The newest `keep` checkpoints stay; an old one is
/// removed only when the newer ones are on the disk.
class CheckpointWriter {
 public:
  /// REQUIRES: keep >= 1.
  CheckpointWriter(std::filesystem::path directory, Index keep);
  /// Waits for the last write; an error of it is lost: call finish() to hear of it.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Hands over a checkpoint; waits only while the one before it is not yet written.
  /// Throws: Error, naming the file, when the one before could not be written.
  void write(Checkpoint checkpoint);
  /// Waits until everything is written. Throws: Error as write().
  void finish();

 private:
  void run();
  void save(const Checkpoint& checkpoint) const;
  void wait_until_idle(std::unique_lock<std::mutex>& lock);

  std::filesystem::path directory_;
  Index keep_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Checkpoint> waiting_;  // to be written, or being written
  std::string error_;                  // of the last write; empty: none
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace bellman
