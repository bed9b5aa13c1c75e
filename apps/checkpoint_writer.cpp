#include "apps/checkpoint_writer.h"

#include <exception>
#include <system_error>
#include <utility>

#include "core/check.h"

namespace bellman {

CheckpointWriter::CheckpointWriter(std::filesystem::path directory, Index keep)
    : directory_(std::move(directory)), keep_(keep), thread_([this] { run(); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    std::unique_lock lock(mutex_);
    wait_until_idle(lock);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CheckpointWriter::wait_until_idle(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !waiting_; });
}

void CheckpointWriter::write(Checkpoint checkpoint) {
  finish();
  {
    const std::lock_guard lock(mutex_);
    waiting_ = std::move(checkpoint);
  }
  changed_.notify_all();
}

void CheckpointWriter::finish() {
  std::unique_lock lock(mutex_);
  wait_until_idle(lock);
  if (!error_.empty()) throw Error(std::exchange(error_, std::string()));
}

void CheckpointWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || waiting_; });
    if (ending_) return;
    lock.unlock();
    std::string error;
    try {
      save(*waiting_);  // nobody else touches it while it is set
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    lock.lock();
    error_ = error;
    waiting_.reset();
    changed_.notify_all();
  }
}

void CheckpointWriter::save(const Checkpoint& checkpoint) const {
  save_checkpoint(checkpoint_path(directory_, checkpoint.timestep), checkpoint);
  const std::vector<std::filesystem::path> all = checkpoints_of(directory_);
  for (std::size_t i = static_cast<std::size_t>(keep_); i < all.size(); ++i) {
    std::error_code error;
    std::filesystem::remove(all[i], error);
    if (error) fail(all[i].string(), ": ", error.message());
  }
}

}  // namespace bellman
