// A sweep over ranks that are threads: the results of one machine, whoever trains which run, and an early end.
#include "apps/sweep/over_ranks/sweep_over_ranks.h"

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/sweep/over_ranks/sweep_message.h"
#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {
namespace {

/// gamma 0.9 and 0.99, three seeds, each run of 400 steps.
SweepPlan small_plan() {
  SweepPlan plan;
  plan.grid = {&grid_setting("gamma")};
  plan.seeds = {3, 1, 2};
  for (const double gamma : {0.9, 0.99}) {
    ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
    resolved.origins.assign(settings().size(), "test");
    TrainConfig& config = resolved.config;
    config.gamma = gamma;
    config.network = "dense 8, relu";
    config.total_timesteps = 400;
    config.buffer_size = 200;
    config.batch_size = 8;
    config.learning_starts = 50;
    config.eval_frequency = 200;
    config.eval_episodes = 2;
    config.final_eval_episodes = 3;
    plan.variants.push_back(sweep_variant(plan.grid, std::move(resolved)));
  }
  return plan;
}

/// A record without its times, as bytes.
std::vector<std::vector<std::byte>> without_times(const SweepRun& run) {
  std::vector<std::vector<std::byte>> bytes;
  for (const FileTensor& tensor : record_tensors(run).tensors)
    if (!tensor.name.starts_with("time.")) bytes.push_back(tensor.bytes);
  return bytes;
}

const std::atomic<bool> never = false;
int no_signal() { return 0; }

/// The sweep over so many ranks. `keep`, `watch`: of rank 0.
RankedSweep swept(
    int ranks, const SweepPlan& plan, std::vector<SweepRun> runs, const SweepKeep& keep,
    const SweepWatch& watch = [](const auto&) {}) {
  RankedSweep result;
  on_thread_ranks(ranks, [&](Ranks& self) {
    const SweepPlan shared = shared_plan(self, self.rank() == 0 ? plan : SweepPlan{});
    const ExecutionPlan execution = shared_execution(self, shared, "1");
    CHECK(execution.jobs == 1);
    if (self.rank() == 0)
      result = lead_sweep(self, shared, execution.jobs, std::move(runs), keep, never, watch);
    else
      follow_sweep(self, shared, execution.jobs, never, no_signal);
  });
  return result;
}

}  // namespace

TEST_CASE("runs that are dealt out to ranks are those of one machine, and each is kept once") {
  const SweepPlan plan = small_plan();
  const std::vector<SweepRun> expected = run_sweep(
      plan, 1, std::vector<SweepRun>(6), [](auto, const auto&, auto) {}, never, [](const auto&) {});
  for (const int ranks : {2, 3, 8}) {
    CAPTURE(ranks);
    std::vector<SweepRun> before(6);
    before[4] = expected[4];  // is over already
    std::multiset<std::size_t> kept;
    bool has_models = true;
    const RankedSweep result =
        swept(ranks, plan, before, [&](std::size_t run, const SweepRun& record, const Model* model) {
          kept.insert(run);
          has_models = has_models && model && record.state == RunState::kFinished;
        });
    CHECK(kept == std::multiset<std::size_t>{0, 1, 2, 3, 5});
    CHECK(has_models);
    CHECK(result.signal == 0);
    REQUIRE(result.runs.size() == 6);
    for (std::size_t run = 0; run < 6; ++run)
      CHECK(without_times(result.runs[run]) == without_times(expected[run]));
  }
}

TEST_CASE("a shard that is dealt out is the shard") {
  SweepPlan plan = small_plan();
  plan.shard = {2, 3};
  std::set<std::size_t> kept;
  swept(2, plan, std::vector<SweepRun>(6), [&](std::size_t run, const auto&, auto) { kept.insert(run); });
  CHECK(kept == std::set<std::size_t>{1, 4});
}

TEST_CASE("a signal to one rank ends the sweep early on all, and is passed on") {
  SweepPlan plan = small_plan();
  for (SweepVariant& variant : plan.variants) variant.resolved.config.total_timesteps = 100'000'000;
  RankedSweep result;
  std::atomic<bool> stop = false;
  on_thread_ranks(3, [&](Ranks& self) {
    const SweepWatch stop_when_all_train = [&](const std::vector<SweepRun>& runs) {
      if (runs[0].timestep > 0 && runs[1].timestep > 0 && runs[2].timestep > 0) stop = true;
    };
    if (self.rank() == 0)
      result = lead_sweep(
          self, plan, 1, std::vector<SweepRun>(6), [](auto, const auto&, auto) {}, never,
          stop_when_all_train);
    else
      follow_sweep(self, plan, 1, self.rank() == 2 ? stop : never, [] { return 15; });
  });
  CHECK(result.signal == 15);
  for (std::size_t run = 0; run < 6; ++run)
    CHECK(result.runs[run].state == (run < 3 ? RunState::kCut : RunState::kWaiting));
}

TEST_CASE("a result that cannot be kept ends the sweep with its error") {
  std::string message;
  try {
    swept(2, small_plan(), std::vector<SweepRun>(6),
          [](auto, const auto&, auto) { fail("the disk is full"); });
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message == "the disk is full");
}

TEST_CASE("a run that failed crosses as it is") {
  EndedRun ended{.run = 7, .record = {}, .model = {}};
  ended.record.state = RunState::kFailed;
  ended.record.timestep = 120;
  ended.record.error = "the loss is nan \xc3\xa9";
  ended.record.curve = {{100, -1.5}};
  const EndedRun read = ended_run_of(message_of(bytes_of(message_of(ended))));
  CHECK(read.run == 7);
  CHECK(read.record.timestep == 120);
  CHECK(read.record.error == ended.record.error);
  CHECK_FALSE(read.model);
  CHECK(without_times(read.record) == without_times(ended.record));

  ended.record.state = RunState::kCut;
  CHECK(ended_run_of(message_of(bytes_of(message_of(ended)))).record.state == RunState::kCut);
}

}  // namespace bellman::test
