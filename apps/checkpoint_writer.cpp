#include "apps/checkpoint_writer.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "core/check.h"

namespace bellman {

CheckpointWriter::CheckpointWriter(std::filesystem::path directory, Index keep,
                                   std::function<void()> before_each)
    : directory_(std::move(directory)),
      keep_(keep),
      before_each_(std::move(before_each)),
      thread_([this] { run(); }) {}

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

void CheckpointWriter::prepare(const Fill& fill) {
  finish();
  StateWriter state(saved_);
  fill(checkpoint_, state);
}

void CheckpointWriter::write(const Fill& fill) {
  prepare(fill);
  {
    const std::lock_guard lock(mutex_);
    waiting_ = true;
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
      if (before_each_) before_each_();
      save();
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    lock.lock();
    error_ = error;
    waiting_ = false;
    changed_.notify_all();
  }
}

void CheckpointWriter::save() const {
  const std::filesystem::path path = checkpoint_path(directory_, checkpoint_.timestep);
  save_checkpoint(path, checkpoint_);
  const std::vector<std::filesystem::path> all = checkpoints_of(directory_);
  // One of a later step is damaged, for the run did not resume there: it must not count as one that is kept.
  const auto own = std::find(all.begin(), all.end(), path);
  for (auto old = own; old != all.end(); ++old) {
    if (old - own < keep_) continue;
    std::error_code error;
    std::filesystem::remove(*old, error);
    if (error) fail(old->string(), ": ", error.message());
  }
}

}  // namespace bellman
