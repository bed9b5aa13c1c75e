#include "apps/sweep/sweep_runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/sweep/sweep_population.h"
#include "core/base/check.h"
#include "core/base/memory.h"
#include "rl/train/kept_model.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

/// The state that the threads share.
class Board {
 public:
  Board(const SweepPlan& plan, std::vector<SweepRun> runs, const SweepKeep& keep)
      : plan_(plan), keep_(keep), runs_(std::move(runs)) {}

  /// A thread's work: takes the next waiting run until none is left, or a result cannot be saved.
  void work() {
    try {
      for (std::size_t run = next_++; run < runs_.size() && !stop_; run = next_++) {
        if (runs_[run].state != RunState::kWaiting || !plan_.is_ours(run)) continue;
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
  /// A worker has finished.
  void finish_worker() {
    {
      const std::lock_guard lock(mutex_);
      ++finished_;
    }
    all_finished_.notify_one();
  }
  /// Calls `watch` until all workers have finished. Throws: the exception that ended one of them.
  void watch(int workers, const std::atomic<bool>& stop, const SweepWatch& watch) {
    constexpr std::chrono::milliseconds kBetween{100};
    std::unique_lock lock(mutex_);
    while (!all_finished_.wait_for(lock, kBetween, [&] { return finished_ == workers; })) {
      if (stop) stop_ = true;
      watch(runs_);
    }
    if (error_) std::rethrow_exception(error_);
    watch(runs_);
  }
  /// Cuts the running ones, and starts no other.
  void end() { stop_ = true; }
  std::vector<SweepRun> take() { return std::move(runs_); }

 private:
  /// Status and result of the run, also of one that fails. `model`: of one that finished.
  SweepRun train(std::size_t run, std::optional<Model>& model);

  const SweepPlan& plan_;
  const SweepKeep& keep_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards the members below
  std::condition_variable all_finished_;
  std::vector<SweepRun> runs_;
  std::exception_ptr error_;
  int finished_ = 0;
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
  BoardSink sink(*this, run);
  const SweepOutcome outcome = train_run(plan_, run, stop_, sink, model);
  SweepRun record;
  change(run, [&](const SweepRun& r) { record = r; });
  complete(record, outcome);
  return record;
}

/// Throws: Error when the system cannot start as many threads; those that were started work.
void start(std::vector<std::jthread>& workers, int jobs, const std::function<void()>& work) {
  try {
    for (int i = 0; i < jobs; ++i) workers.emplace_back(work);
  } catch (const std::system_error& error) {
    fail("the system started ", workers.size(), " of ", jobs, " threads, one a run: ", error.what(),
         " (--jobs asks for fewer; the system's limits are ulimit -u and -v)");
  }
}

/// The memory that a run of a combination takes. Throws: Error, naming the combination, when its runs could
/// not start.
Index checked_bytes(const SweepPlan& plan, std::size_t variant) {
  try {
    TrainConfig config = plan.config_of(variant * plan.seeds.size());
    config.threads = 1;
    const Device device = make_device(config.device, config.threads);
    return Trainer(config, *device.backend, device.parts).memory().total();
  } catch (const Error& error) {
    if (plan.variants.size() == 1) throw;
    fail(plan.variants[variant].label, ": ", error.what());
  }
}

/// As many jobs as processors, or as requested; fewer when memory is short.
/// Throws: Error with the numbers when there is not enough for one.
ExecutionPlan plan_jobs(const SweepPlan& plan, const std::string& jobs, const MachineShare& share) {
  constexpr Index kMostJobs = 1024;
  const Index processors =
      share.processors > 0 ? share.processors : std::max<Index>(1, std::thread::hardware_concurrency());
  Index count = jobs == "auto" ? processors : parse_integer("--jobs", jobs, 1, kMostJobs);
  Index bytes = 0;
  bool on_cpu = true;
  for (const SweepVariant& variant : plan.variants)
    on_cpu = on_cpu && variant.resolved.config.device == "cpu";
  if (!on_cpu && jobs != "auto" && count > 1)
    fail("--jobs ", count, ": runs train side by side only on --device cpu");
  for (std::size_t v = 0; v < plan.variants.size(); ++v) bytes = std::max(bytes, checked_bytes(plan, v));
  count = std::min(on_cpu ? count : 1, static_cast<Index>(plan.own_runs()));
  std::string text = counted(plan.own_runs(), "agent") + " of about " + mebibytes(bytes) + " each, ";
  if (const auto available = available_memory()) {
    count = std::clamp<Index>(available->bytes / share.ranks / std::max<Index>(1, bytes), 1, count);
    text += mebibytes(available->bytes) + " free: ";
  }
  text += std::to_string(count) + " at a time";
  return {static_cast<int>(count), {}, text};
}

/// The one device of all runs, if it can have populations.
std::optional<Device> device_of(const SweepPlan& plan) {
  const std::string& name = plan.variants.front().resolved.config.device;
  for (const SweepVariant& variant : plan.variants)
    if (variant.resolved.config.device != name) return std::nullopt;
  Device device = make_device(name, 1);
  if (!device.agent_kernel_ops) return std::nullopt;
  return device;
}

}  // namespace

std::span<const SweepRun> runs_of(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                                  std::size_t variant) {
  return std::span(runs).subspan(variant * plan.seeds.size(), plan.seeds.size());
}

SweepOutcome train_run(const SweepPlan& plan, std::size_t run, const std::atomic<bool>& stop,
                       MetricSink& sink, std::optional<Model>& model) {
  SweepOutcome outcome;
  try {
    TrainConfig config = plan.config_of(run);
    config.threads = 1;  // the other processors are for the other runs
    const Device device = make_device(config.device, config.threads);
    Trainer trainer(config, *device.backend, device.parts);
    trainer.add_sink(sink);
    outcome.result = trainer.run(&stop);
    outcome.state = outcome.result.interrupted ? RunState::kCut : RunState::kFinished;
    if (outcome.state == RunState::kFinished) model = kept_model(plan.config_of(run), trainer);
  } catch (const std::exception& error) {
    outcome.state = RunState::kFailed;
    outcome.error = error_text(error);
  }
  return outcome;
}

void complete(SweepRun& record, const SweepOutcome& outcome) {
  record.state = outcome.state;
  if (outcome.state != RunState::kFailed) record.timestep = outcome.result.timesteps;
  record.result = outcome.result;
  record.error = outcome.error;
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
        board.finish_worker();
      });
      board.watch(jobs, stop, watch);
    } catch (...) {  // on a full disk the runs need not be finished
      board.end();
      throw;
    }
  }
  return board.take();
}

ExecutionPlan plan_execution(const SweepPlan& plan, const std::string& jobs, const MachineShare& share) {
  if (plan.own_runs() == 0) return {1, {}, "No run is of this shard"};
  std::optional<Device> device = device_of(plan);
  if (!device) return plan_jobs(plan, jobs, share);
  const std::string unsupported = unsupported_reason(plan, *device);
  if (!unsupported.empty()) {
    ExecutionPlan execution = plan_jobs(plan, jobs, share);
    execution.text += " (not as a population: " + unsupported + ")";
    return execution;
  }
  const Index most =
      jobs == "auto" ? Population::kMostPlaces : parse_integer("--jobs", jobs, 1, Population::kMostPlaces);
  std::string text = population_plan_text(plan, *device, most);
  return {static_cast<int>(most), std::move(device), std::move(text)};
}

}  // namespace bellman
