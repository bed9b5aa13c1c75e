#include "apps/sweep/over_ranks/run_pool.h"

#include <cmath>
#include <system_error>
#include <utility>

#include "core/base/check.h"

namespace bellman {

/// A run's curve, and its progress for others to see.
class RunPool::Sink final : public MetricSink {
 public:
  Sink(RunPool& pool, std::size_t run) : pool_(pool), run_(run) {}

  void on_scalars(Index timestep, std::span<const Scalar> scalars) override {
    for (const Scalar& scalar : scalars)
      if (scalar.name == "eval/mean_reward" && !std::isnan(scalar.value))
        record_.curve.push_back({timestep, scalar.value});
  }
  void on_progress(const Progress& progress) override {
    record_.timestep = progress.timestep;
    const std::lock_guard lock(pool_.mutex_);
    pool_.running_[run_] = progress.timestep;
  }
  SweepRun take() { return std::move(record_); }

 private:
  RunPool& pool_;
  std::size_t run_;
  SweepRun record_;
};

RunPool::RunPool(const SweepPlan& plan, int threads) : plan_(plan) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size();
    {
      const std::lock_guard lock(mutex_);
      leaving_ = true;
    }
    changed_.notify_all();
    fail("the system started ", started, " of ", threads, " threads, one a run: ", error.what(),
         " (--jobs asks for fewer; the system's limits are ulimit -u and -v)");
  }
}

RunPool::~RunPool() {
  cut();
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    leaving_ = true;
  }
  changed_.notify_all();
}

void RunPool::start(std::size_t run) {
  {
    const std::lock_guard lock(mutex_);
    BELLMAN_CHECK(running_.size() < threads_.size());
    running_[run] = 0;
    waiting_.push_back(run);
  }
  changed_.notify_one();
}

std::vector<EndedRun> RunPool::take_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

std::map<std::size_t, Index> RunPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void RunPool::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  ended_changed_.wait_for(lock, most, [this] { return !ended_.empty(); });
}

void RunPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return leaving_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::size_t run = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    EndedRun ended = train(run);
    lock.lock();
    running_.erase(run);
    ended_.push_back(std::move(ended));
    ended_changed_.notify_one();
  }
}

EndedRun RunPool::train(std::size_t run) {
  EndedRun ended{.run = run, .record = {}, .model = {}};
  Sink sink(*this, run);
  const SweepOutcome outcome = train_run(plan_, run, stop_, sink, ended.model);
  ended.record = sink.take();
  complete(ended.record, outcome);
  return ended;
}

}  // namespace bellman
