// `bellman verify` of a sweep that has not ended.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/device.h"
#include "apps/run/run_directory.h"
#include "apps/sweep/sweep_population.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_state.h"
#include "core/io/files.h"
#include "tests/apps/refusal.h"
#include "tests/apps/sweep/forge.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/error_message.h"
#include "tests/support/run_command.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

#if defined(BELLMAN_MEMCHECKED)
constexpr bool kHasCommandsBits = false;  // memcheck has fewer instruction sets than the command without it
#else
constexpr bool kHasCommandsBits = true;
#endif

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

ResolvedConfig short_run(const std::string& device, Index steps, double reward_scale) {
  ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
  TrainConfig& config = resolved.config;
  config.device = device;
  config.network = "dense 8, relu";
  config.total_timesteps = steps;
  config.reward_scale = reward_scale;
  config.buffer_size = 200;
  config.batch_size = 8;
  config.learning_starts = 50;
  config.eval_frequency = 60;
  config.eval_episodes = 2;
  config.final_eval_episodes = 3;
  resolved.origins.assign(settings().size(), "test");
  return resolved;
}

/// Of each variant runs with the seeds 3 and 4.
SweepPlan plan_with(const std::vector<ResolvedConfig>& variants) {
  SweepPlan plan;
  plan.grid = {&grid_setting("total_timesteps"), &grid_setting("reward_scale")};
  for (const ResolvedConfig& resolved : variants) plan.variants.push_back(sweep_variant(plan.grid, resolved));
  plan.seeds = {3, 4};
  return plan;
}

constexpr Index kWithoutEnd = 1'000'000;  // steps; the executor makes some thousand a second

/// Of a sweep in the executor that was cut: runs 0 and 1 are over, 2 and 3 train, 4 and 5 have failed.
void leave_cut_sweep(const fs::path& directory) {
  const SweepPlan plan = plan_with(
      {short_run("simt", 100, 1), short_run("simt", kWithoutEnd, 1), short_run("simt", kWithoutEnd, 1e30)});
  fs::create_directory(directory);
  save_sweep_plan(sweep_plan_path(directory), plan, std::vector<RunRecord>(plan.runs()));
  std::atomic<bool> stop = false;
  const auto watch = [&](const std::vector<RunRecord>& runs) {
    stop = std::count_if(runs.begin(), runs.end(), is_over) == 4;
  };
  const Device device = make_device("simt", 1);
  const SweepState state(directory, plan);
  const SweepKeep keep = [&](std::size_t run, const RunRecord& record, const Model*) {
    state.save_record(run, record);
  };
  const std::vector<RunRecord> runs = run_populations(plan, device, 3, state, keep, stop, watch);
  save_sweep_plan(sweep_plan_path(directory), plan, runs);
  for (const std::size_t run : {0, 1}) REQUIRE(runs[run].state == RunState::kFinished);
  for (const std::size_t run : {2, 3}) REQUIRE(runs[run].state == RunState::kCut);
  for (const std::size_t run : {4, 5}) REQUIRE(runs[run].state == RunState::kFailed);
}

fs::path file_of(const fs::path& directory, int run) {
  return directory /
         ("run-000" + std::to_string(run / 2) + "-seed" + std::to_string(3 + run % 2) + ".safetensors");
}

/// One number of a tensor becomes another.
template <class T>
void change(const fs::path& path, const std::string& name, std::size_t at, T value) {
  forge(path, [&](TensorFile& file) {
    const FileTensor* const tensor = file.find(name);
    REQUIRE(tensor);
    std::vector<T> values = StateReader(file, "").get<T>(name);
    REQUIRE(values.at(at) != value);
    values[at] = value;
    set(file, name, values);
  });
}

std::int64_t ticks_of(const fs::path& path) {
  const Checkpoint checkpoint = load_checkpoint(path);
  return StateReader(checkpoint.state, "").get<std::int64_t>("control").at(1);
}
void change_ticks(const fs::path& path, std::int64_t ticks) { change(path, "control", 1, ticks); }

CommandResult verified(const fs::path& directory) { return run_bellman({"verify", directory.string()}); }

void check_told(const CommandResult& result, int exit_code, const std::vector<std::string>& lines) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.exit_code == exit_code);
  for (const std::string& line : lines) CHECK_MESSAGE(contains(result.out, line + "\n"), line);
}

TEST_CASE("a sweep that was cut on a device is verified: states, results, failures" *
          doctest::skip(!kHasCommandsBits)) {
  const TemporaryDirectory top;
  const fs::path directory = top / "cut";
  leave_cut_sweep(directory);
  check_told(verified(directory), 0,
             {"The plan and the files of 6 runs: every hash is right",
              "Training again 2 runs to the saved step, 4 runs to the end ...",
              "Identical: 2 states and the results of 4 runs to the last bit, wall times aside."});
  check_refused({"verify", directory.string(), "--from", "x"}, {"--from", directory.string()});
  {
    const RunDirectory somebody = RunDirectory::of_earlier_run(directory);
    check_refused({"verify", directory.string()}, {directory.string(), "is training in it"});
  }

  change(file_of(directory, 0), "record.eval.mean", 0, -1.0);
  std::string bytes = text_of(file_of(directory, 1));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(file_of(directory, 1), bytes);
  change(file_of(directory, 2), "online", 5, 0.25F);
  change_ticks(file_of(directory, 3), std::int64_t{1} << 53);
  change<std::uint8_t>(file_of(directory, 4), "record.error", 0, 'G');
  const CommandResult meddled = verified(directory);
  const std::string different = "): different: ", first = " is the first tensor that is not the same";
  check_told(meddled, 1,
             {"The plan is right; of the runs' files 5 are right, 1 damaged, 0 missing",
              "run-0000-seed3.safetensors (total_timesteps=100, reward_scale=1, seed 3" + different +
                  "record.eval.mean" + first,
              "run-0001-seed3.safetensors (total_timesteps=1000000, reward_scale=1, seed 3" + different +
                  "online" + first,
              "run-0001-seed4.safetensors (total_timesteps=1000000, reward_scale=1, seed 4" + different +
                  "control" + first,
              "run-0002-seed3.safetensors (total_timesteps=1000000, reward_scale=1e+30, seed 3" + different +
                  "record.error" + first,
              "Different: 4 of 5 runs."});
  CHECK(contains(meddled.out, "run-0000-seed4.safetensors: is damaged"));
  CHECK(contains(meddled.out, "bellman sweep --resume " + directory.string() + "` trains the run again"));
  fs::remove(file_of(directory, 0));
  const CommandResult lost = verified(directory);
  CHECK(lost.exit_code == 1);
  CHECK(contains(lost.out, file_of(directory, 0).string() +
                               ": is missing (total_timesteps=100, reward_scale=1, seed 3)"));
  CHECK(contains(lost.out, "of the runs' files 4 are right, 1 damaged, 1 missing\n"));
  CHECK_FALSE(contains(lost.out, "every hash is right"));
}

TEST_CASE("no count of ticks makes verifying a saved agent longer than its steps" *
          doctest::skip(!kHasCommandsBits)) {
  const TemporaryDirectory top;
  const fs::path directory = top / "cut";
  leave_cut_sweep(directory);
  for (const int run : {0, 1, 4, 5}) fs::remove(file_of(directory, run));
  const auto check = [&](std::int64_t second, std::int64_t third, const std::vector<std::string>& lines) {
    change_ticks(file_of(directory, 2), second);
    change_ticks(file_of(directory, 3), third);
    CAPTURE(second);
    CAPTURE(third);
    check_told(verified(directory), 1, lines);
  };
  const std::int64_t made = ticks_of(file_of(directory, 2)), of_other = ticks_of(file_of(directory, 3));
  check(made - 1, of_other + 1, {"Different: 2 of 2 runs."});
  const std::string refusal = "control: a saved agent: the ticks made is ";
  for (const auto& [second, third] :
       {std::pair{std::int64_t{0}, std::int64_t{-1}}, std::pair{(std::int64_t{1} << 53) + 1, INT64_MAX}}) {
    change_ticks(file_of(directory, 2), second);
    change_ticks(file_of(directory, 3), third);
    const CommandResult result = verified(directory);
    CHECK(result.exit_code == 1);
    for (const auto& [run, ticks] : {std::pair{2, second}, std::pair{3, third}})
      CHECK_MESSAGE(contains(result.out, file_of(directory, run).string() + ": " + refusal +
                                             std::to_string(ticks) + ", must be from "),
                    result.out);
  }
  const CommandResult resumed = run_bellman({"sweep", "--quiet", "--resume", directory.string()});
  CHECK(resumed.exit_code == 2);
  CHECK(contains(resumed.err, file_of(directory, 0).string() + ": is missing; the run ("));
  CHECK(contains(resumed.err, file_of(directory, 2).string() + ": "));
  CHECK(contains(resumed.err, "a saved agent: the ticks made is "));
}

TEST_CASE("the results that a sweep on the CPU has left are verified" * doctest::skip(!kHasCommandsBits)) {
  const TemporaryDirectory top;
  const SweepPlan plan = plan_with({short_run("cpu", 150, 1), short_run("cpu", 150, 1e30)});
  save_sweep_plan(sweep_plan_path(top.path()), plan, std::vector<RunRecord>(plan.runs()));
  check_refused({"verify", top.path().string()}, {top.path().string(), "no run has saved anything"});

  const SweepState state(top.path(), plan);
  std::vector<SweepRun> runs(plan.runs());
  runs[1].state = RunState::kCut;
  const std::atomic<bool> stop = false;
  runs = run_sweep(
      plan, 2, std::move(runs),
      [&](std::size_t run, const SweepRun& r, const Model*) { state.save_record(run, r); }, stop,
      [](const std::vector<SweepRun>&) {});
  REQUIRE(runs[0].state == RunState::kFinished);
  REQUIRE(runs[3].state == RunState::kFailed);
  check_told(verified(top.path()), 0,
             {"Training again 3 runs to the end ...",
              "Identical: 0 states and the results of 3 runs to the last bit, wall times aside."});
  change(file_of(top.path(), 0), "time.seconds", 0, 1234.5);
  change(file_of(top.path(), 2), "record.state", 0, static_cast<std::int64_t>(RunState::kFinished));
  check_told(verified(top.path()), 1,
             {"run-0001-seed3.safetensors (total_timesteps=150, reward_scale=1e+30, seed 3): different: "
              "record.state is the first tensor that is not the same",
              "Different: 1 of 3 runs."});
}

TEST_CASE("a sweep's directory that cannot be verified is one line; a damaged plan is named") {
  const TemporaryDirectory top;
  const fs::path directory = top / "ended";
  const CommandResult sweep = run_bellman(
      Words{"sweep", "--quiet", "--seeds", "1", "--sweep-dir", directory.string()} + short_training());
  REQUIRE_MESSAGE(sweep.exit_code == 0, sweep.err);
  check_told(verified(directory), 0,
             {"The plan and the files of 1 run: every hash is right",
              "Identical: 0 states and the results of 1 run to the last bit, wall times aside."});
  check_refused({"verify", directory.string(), "--from", "x"}, {"--from"});

  // Earlier versions did not record the return of the training episodes.
  forge(directory / "run-0000-seed1.safetensors", [](TensorFile& file) {
    CHECK(std::erase_if(file.tensors, [](const FileTensor& tensor) {
            return tensor.name.starts_with("record.training.");
          }) == 2);
  });
  check_told(verified(directory), 0,
             {"Identical: 0 states and the results of 1 run to the last bit, wall times aside."});
  const CommandResult resumed = run_bellman({"sweep", "--resume", directory.string()});
  CHECK(contains(resumed.err, "note: 1 run was trained by an earlier version"));
  CHECK(contains(text_of(directory / "sweep.json"), "\"training_mean\":null"));

  fs::remove(sweep_plan_path(directory));
  check_refused({"verify", directory.string()}, {directory.string(), "earlier version", "sweep.json"});
  write_file_atomically(sweep_plan_path(directory), std::string("no plan"));
  const CommandResult result = verified(directory);
  CHECK(result.exit_code == 1);
  CHECK(contains(result.out, "sweep_plan.safetensors"));
}

}  // namespace
}  // namespace bellman::test
