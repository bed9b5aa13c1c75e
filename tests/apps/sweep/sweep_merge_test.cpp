// Where a merged sweep takes the record of each run from.
#include "apps/sweep/sweep_merge.h"

#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

SweepPlan plan_of(std::vector<double> gammas, std::vector<std::uint64_t> seeds, SweepShard shard = {}) {
  SweepPlan plan;
  plan.grid = {&grid_setting("gamma")};
  for (const double gamma : gammas) {
    ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
    resolved.config.gamma = gamma;
    resolved.config.eval_frequency = 0;
    resolved.origins.assign(settings().size(), "test");
    plan.variants.push_back(sweep_variant(plan.grid, resolved));
  }
  plan.seeds = std::move(seeds);
  plan.shard = shard;
  return plan;
}

RunRecord record_of(double mean, double seconds) {
  RunRecord record;
  record.state = RunState::kFinished;
  record.timestep = 400;
  record.result.timesteps = 400;
  record.result.wall_seconds = seconds;
  record.result.eval = {.mean = mean, .std = 0, .min = mean, .max = mean, .mean_length = 7, .episodes = 1};
  record.curve = {{400, mean}};
  return record;
}

/// A sweep's directory with these results, by run.
fs::path sweep_with(const fs::path& directory, const SweepPlan& plan,
                    const std::vector<std::pair<std::size_t, RunRecord>>& records) {
  fs::create_directories(directory);
  std::vector<RunRecord> runs(plan.runs());
  for (const auto& [run, record] : records) {
    SweepState(directory, plan).save_record(run, record);
    runs[run] = record;
  }
  save_sweep_plan(sweep_plan_path(directory), plan, runs);
  return directory;
}

TEST_CASE("shards: every run is of one, and each has its share of every setting") {
  for (std::size_t count = 1; count <= 9; ++count) {
    SweepPlan plan = plan_of({0.9, 0.8}, {0, 1, 2, 3});
    std::vector<int> owners(plan.runs());
    for (std::size_t number = 1; number <= count; ++number) {
      plan.shard = {number, count};
      std::size_t own = 0;
      for (std::size_t run = 0; run < plan.runs(); ++run)
        if (plan.is_ours(run)) ++owners[run], ++own;
      CHECK(own == plan.own_runs());
    }
    CHECK(owners == std::vector<int>(plan.runs(), 1));
  }
  CHECK(shard_directory({2, 16}) == "shard-02-of-16");
  CHECK(shard_directory({16, 16}) == "shard-16-of-16");
}

TEST_CASE("a plan keeps its shard, and a whole one has none") {
  const TemporaryDirectory top;
  const fs::path path = sweep_plan_path(top.path());
  for (const SweepShard shard : {SweepShard{1, 1}, SweepShard{3, 4}}) {
    const SweepPlan plan = plan_of({0.9}, {1, 2}, shard);
    save_sweep_plan(path, plan, std::vector<RunRecord>(2));
    const SweepPlan loaded = load_sweep_plan(path).plan;
    CHECK(loaded.shard.number == shard.number);
    CHECK(loaded.shard.count == shard.count);
  }
}

TEST_CASE("merged: of a run that was trained twice the quicker one counts, in any order") {
  const TemporaryDirectory top;
  const SweepPlan plan = plan_of({0.9}, {1, 2, 3});
  const fs::path a = sweep_with(top / "a", plan, {{0, record_of(5, 2.0)}, {1, record_of(7, 1.0)}});
  const fs::path b = sweep_with(top / "b", plan, {{1, record_of(7, 0.5)}});
  for (const std::vector<fs::path>& order : {std::vector{a, b}, std::vector{b, a}}) {
    const SweepMerge merge(order);
    CHECK(merge.run_seconds() == 2.5);
    CHECK(merge.missing() == std::vector<std::size_t>{2});
    const fs::path merged = top / ("merged" + order[0].filename().string());
    fs::create_directory(merged);
    merge.copy_to(merged);
    const std::vector<RunRecord> records = SweepState(merged, merge.plan()).records();
    CHECK(records[0].result.wall_seconds == 2.0);
    CHECK(records[1].result.wall_seconds == 0.5);
    CHECK(!is_over(records[2]));
  }
}

TEST_CASE("merged: what does not belong together is named") {
  const TemporaryDirectory top;
  const SweepPlan plan = plan_of({0.9}, {1, 2});
  const fs::path a = sweep_with(top / "a", plan, {{0, record_of(5, 2.0)}});
  const auto message = [&](const fs::path& other) { return error_message([&] { SweepMerge({a, other}); }); };
  const std::string twice = message(sweep_with(top / "b", plan, {{0, record_of(5.5, 2.0)}}));
  CHECK(twice.find("different results of one run, gamma=0.9, seed 1") != std::string::npos);
  CHECK(twice.find((top / "a").string()) != std::string::npos);
  CHECK(twice.find((top / "b").string()) != std::string::npos);
  CHECK(message(sweep_with(top / "c", plan_of({0.9}, {1, 3}), {})).find("seeds differ") != std::string::npos);
  CHECK(message(sweep_with(top / "d", plan_of({0.9, 0.8}, {1, 2}), {})).find("other values") !=
        std::string::npos);
  CHECK(message(sweep_with(top / "e", plan_of({0.8}, {1, 2}), {})).find("gamma = 0.9 in the one") !=
        std::string::npos);
}

}  // namespace
}  // namespace bellman::test
