#include "apps/run/checkpoint_writer.h"

#include <algorithm>
#include <ctime>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "apps/base/fingerprint.h"
#include "apps/base/process.h"
#include "apps/run/ranked_run.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"

namespace bellman {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Processor time of this thread.
double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::filesystem::path directory, Index keep, Source source, bool copies,
                                   std::function<void()> before_each)
    : directory_(std::move(directory)),
      keep_(keep),
      source_(std::move(source)),
      copies_(copies),
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
  changed_.wait(lock, [this] { return !pending_; });
}

void CheckpointWriter::prepare() {
  finish();
  copy();
}

/// False: there is no memory for a copy; no later call tries again.
bool CheckpointWriter::copy() {
  if (!copies_) return false;
  try {
    StateWriter state(saved_);
    source_.save(state);
  } catch (const std::bad_alloc&) {
    saved_ = SavedState();
    copies_ = false;
  }
  return copies_;
}

void CheckpointWriter::write(Index timestep) {
  begin_ = std::chrono::steady_clock::now();
  finish();
  source_.describe(checkpoint_);
  checkpoint_.timestep = timestep;
  if (copy()) {
    wait_ = seconds_since(begin_);
    {
      const std::lock_guard lock(mutex_);
      pending_ = true;
    }
    changed_.notify_all();
    return;
  }
  if (before_each_) before_each_();
  save([this](StateSink& sink) {
    StateWriter state(sink);
    source_.save(state);
  });
  wait_ = seconds_since(begin_);
  writing_ = 0;
}

void CheckpointWriter::finish() {
  std::unique_lock lock(mutex_);
  wait_until_idle(lock);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

bool CheckpointWriter::is_due(double seconds) const {
  constexpr double kShare = 0.01;
  const double passed = seconds_since(begin_);
  if (seconds == 0 || passed < seconds || kShare * passed < cost()) return false;
  const std::lock_guard lock(mutex_);
  return !pending_;  // otherwise write() would wait for a slow disk
}

void CheckpointWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || pending_; });
    if (ending_) return;
    lock.unlock();
    std::exception_ptr error;  // its text needs memory, and there may be none
    const double begin = thread_seconds();
    try {
      if (before_each_) before_each_();
      save([this](StateSink& sink) { saved_.hand_over(sink); });
    } catch (...) {
      error = std::current_exception();
    }
    writing_ = thread_seconds() - begin;
    lock.lock();
    error_ = std::move(error);
    pending_ = false;
    changed_.notify_all();
  }
}

void CheckpointWriter::save(const StateSource& state) const {
  const std::filesystem::path path = checkpoint_path(directory_, checkpoint_.timestep);
  save_checkpoint(path, checkpoint_, state);
  const std::vector<std::filesystem::path> all = checkpoints_of(directory_);
  // The run did not resume at a checkpoint of a later step, so that one is damaged: it does not count as kept.
  const auto own = std::find(all.begin(), all.end(), path);
  for (auto old = own; old != all.end(); ++old) {
    if (old - own < keep_) continue;
    remove_checkpoint(*old);
  }
}

CheckpointWriter::Source checkpoint_source(Trainer& trainer, const TrainConfig& config, CheckpointWords words,
                                           const RunFiles& files, Ranks* ranks) {
  return {.describe =
              [&files, ranks, words = std::move(words), build = build_id(),
               text = config_file_text(config)](Checkpoint& checkpoint) {
                if (ranks) checkpoint.parts = saved_parts(*ranks);
                checkpoint.version = BELLMAN_VERSION;
                checkpoint.build = build;
                checkpoint.device = words.device;
                checkpoint.config = text;
                checkpoint.history = words.history;
                checkpoint.ranks = words.ranks;
                checkpoint.logs = files.sizes();
                checkpoint.log_tails = files.tails();
              },
          .save = [&trainer](StateWriter& state) { trainer.save(state); }};
}

}  // namespace bellman
