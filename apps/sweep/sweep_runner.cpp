#include "apps/sweep/sweep_runner.h"

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "apps/base/process.h"
#include "apps/run/device.h"
#include "core/base/check.h"
#include "rl/train/kept_model.h"

namespace bellman {
namespace {

/// What the threads share.
class Board {
 public:
  Board(const SweepPlan& plan, std::vector<SweepRun> runs, const SweepKeep& keep)
      : plan_(plan), keep_(keep), runs_(std::move(runs)) {}

  /// A thread's work: the next run that waits, until there is none, or a result cannot be kept.
  void work() {
    try {
      for (std::size_t run = next_++; run < runs_.size() && !stop_; run = next_++) {
        if (runs_[run].state != RunState::kWaiting) continue;
        std::optional<Model> model;
        const SweepRun record = train(run, model);
        if (is_over(record)) keep_(run, record, model ? &*model : nullptr);
        change(run, [&](SweepRun& r) { r = record; });
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
  }
  void change(std::size_t run, const std::function<void(SweepRun&)>& how) {
    const std::lock_guard lock(mutex_);
    how(runs_[run]);
  }
  /// A worker has no more to do.
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      ++gone_;
    }
    all_gone_.notify_one();
  }
  /// Calls `watch` until all workers are gone. Throws: what ended one of them.
  void watch(int workers, const std::atomic<bool>& stop, const SweepWatch& watch) {
    constexpr std::chrono::milliseconds kBetween{100};
    std::unique_lock lock(mutex_);
    while (!all_gone_.wait_for(lock, kBetween, [&] { return gone_ == workers; })) {
      if (stop) stop_ = true;
      watch(runs_);
    }
    if (error_) std::rethrow_exception(error_);
    watch(runs_);
  }
  /// The runs that train are cut, and no other begins.
  void end() { stop_ = true; }
  std::vector<SweepRun> take() { return std::move(runs_); }

 private:
  /// What it came to; one that fails, too. `model`: of one that has finished.
  SweepRun train(std::size_t run, std::optional<Model>& model);

  const SweepPlan& plan_;
  const SweepKeep& keep_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // of what follows
  std::condition_variable all_gone_;
  std::vector<SweepRun> runs_;
  std::exception_ptr error_;
  int gone_ = 0;
};

/// Puts a run's progress and its evaluations on the board.
class BoardSink final : public MetricSink {
 public:
  BoardSink(Board& board, std::size_t run) : board_(board), run_(run) {}

  void on_scalars(Index timestep, std::span<const Scalar> scalars) override {
    for (const Scalar& scalar : scalars)
      if (scalar.name == "eval/mean_reward" && !std::isnan(scalar.value))
        board_.change(run_, [&](SweepRun& run) { run.curve.push_back({timestep, scalar.value}); });
  }
  void on_progress(const Progress& progress) override {
    board_.change(run_, [&](SweepRun& run) { run.timestep = progress.timestep; });
  }

 private:
  Board& board_;
  std::size_t run_;
};

SweepRun Board::train(std::size_t run, std::optional<Model>& model) {
  change(run, [](SweepRun& r) { r.state = RunState::kRunning; });
  RunState state = RunState::kFailed;
  TrainResult result;
  std::string failure;
  try {
    TrainConfig config = plan_.config_of(run);
    config.threads = 1;  // the machine's others are for the other runs
    const Device device = make_device(config.device, config.threads);
    Trainer trainer(config, *device.backend, device.parts);
    BoardSink sink(*this, run);
    trainer.add_sink(sink);
    result = trainer.run(&stop_);
    state = result.interrupted ? RunState::kCut : RunState::kFinished;
    if (state == RunState::kFinished) model = kept_model(plan_.config_of(run), trainer);
  } catch (const std::exception& error) {
    failure = error_text(error);
  }
  SweepRun record;
  change(run, [&](const SweepRun& r) { record = r; });
  record.state = state;
  if (state != RunState::kFailed) record.timestep = result.timesteps;
  record.result = result;
  record.error = failure;
  return record;
}

/// Throws: Error when the system does not start as many threads; those that it started work.
void start(std::vector<std::jthread>& workers, int jobs, const std::function<void()>& work) {
  try {
    for (int i = 0; i < jobs; ++i) workers.emplace_back(work);
  } catch (const std::system_error& error) {
    fail("the system started ", workers.size(), " of ", jobs, " threads, one a run: ", error.what(),
         " (--jobs asks for fewer; the system's limits are ulimit -u and -v)");
  }
}

}  // namespace

std::span<const SweepRun> runs_of(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                                  std::size_t variant) {
  return std::span(runs).subspan(variant * plan.seeds.size(), plan.seeds.size());
}

std::vector<SweepRun> run_sweep(const SweepPlan& plan, int jobs, std::vector<SweepRun> runs,
                                const SweepKeep& keep, const std::atomic<bool>& stop,
                                const SweepWatch& watch) {
  Board board(plan, std::move(runs), keep);
  {
    std::vector<std::jthread> workers;
    try {
      start(workers, jobs, [&board] {
        board.work();
        board.leave();
      });
      board.watch(jobs, stop, watch);
    } catch (...) {  // a disk that is full need not wait for the runs
      board.end();
      throw;
    }
  }
  return board.take();
}

}  // namespace bellman
