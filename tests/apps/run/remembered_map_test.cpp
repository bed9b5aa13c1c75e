// A run, a model and a sweep remember their map. Its file may be missing, moved or changed: what resumes from
// them runs the same or reports the change.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/run/checkpoint.h"
#include "apps/settings/config_file.h"
#include "apps/sweep/sweep_state.h"
#include "core/cpu/cpu_backend.h"
#include "rl/train/model_file.h"
#include "rl/train/trainer.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/parse_json.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// A map, the same with another cell, and what error messages call the difference.
struct Task {
  std::string env_id, map, other, difference;
};
const std::vector<Task> kTasks = {
    {"FrozenLake-v1", "SFFF\nFHFH\nFFFH\nHFFG\n", "SFFF\nFFFH\nFFFH\nHFFG\n",
     "line 2 is \"FFFH\", it was \"FHFH\""},
    {"GridWorld-v0", "; a comment\nslip: 0.1\r\n\na:\treward=0.5\n\nS.#\n.a.\n..G\n\n",
     "slip: 0.1\na: reward=0.5\nS..\n.a.\n..G\n", "line 3 is \"S..\", it was \"S.#\""}};

/// Trains in `top` on the map file `top`/map.txt, by its name alone.
Words training(const Task& task) {
  return {"train",
          "--quiet",
          "--env-id",
          task.env_id,
          "--map",
          "map.txt",
          "--preset",
          "none",
          "--total-timesteps",
          "600",
          "--learning-starts",
          "50",
          "--batch-size",
          "8",
          "--buffer-size",
          "200",
          "--network",
          "dense 8, relu",
          "--eval-frequency",
          "200",
          "--eval-episodes",
          "2",
          "--final-eval-episodes",
          "5",
          "--solve-confirm-episodes",
          "0",
          "--max-episode-steps",
          "50",
          "--checkpoint-frequency",
          "200",
          "--keep",
          "9",
          "--run-dir",
          "run"};
}

CommandResult in(const fs::path& directory, const Words& words) {
  return run_bellman(words, {.working_directory = directory});
}

void check_refused_in(const fs::path& directory, const Words& arguments, const Words& words) {
  const CommandResult result = in(directory, arguments);
  CAPTURE(result.err);
  CHECK(refused(result));
  for (const std::string& word : words) CHECK_MESSAGE(contains(result.err, word), word);
}

/// The runs of a sweep's JSON, without times and the maps' paths.
std::string runs_without_times(const std::string& text) {
  std::string runs;
  nlohmann::json sweep = parse_json(text);
  for (nlohmann::json& variant : sweep["variants"])
    for (nlohmann::json& run : variant["runs"]) {
      run.erase("command");  // which names the map's path
      run.erase("wall_seconds");
      run.erase("seconds_to_solve");
      run.erase("command");  // it names the map's file, which lies elsewhere
      runs += run.dump() + "\n";
    }
  return runs;
}

/// A run that was trained to its end in `top`, whose map file then became `left` (empty: is removed).
RunOutcome trained(const fs::path& top, const Task& task, const std::string& left) {
  written(top / "map.txt", task.map);
  const CommandResult result = in(top, training(task));
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  if (left.empty())
    fs::remove(top / "map.txt");
  else
    written(top / "map.txt", left);
  return outcome_of(top / "run");
}

/// Takes the run back to its checkpoint of step 200.
void take_back(const fs::path& run) {
  for (const fs::path& path : checkpoints_of(run))
    if (load_checkpoint(path).timestep > 200) fs::remove(path);
}

TEST_CASE("without the map's file a run resumes, is verified and repeated, and its model plays") {
  for (const Task& task : kTasks) {
    CAPTURE(task.env_id);
    const TemporaryDirectory top;
    const RunOutcome reference = trained(top.path(), task, "");
    const CommandResult eval = in(top.path(), {"eval", "--checkpoint", "run/model.safetensors"});
    CHECK_MESSAGE(eval.exit_code == 0, eval.err);
    CHECK(eval.err.empty());
    CHECK(in(top.path(), {"rollout", "--policy", "run/model.safetensors"}).exit_code == 0);

    take_back(top / "run");
    const CommandResult resumed = in(top.path(), {"train", "--quiet", "--resume", "run"});
    CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
    check_same(outcome_of(top / "run"), reference);

    const CommandResult repeated =
        in(top.path(), {"train", "--quiet", "--config", "run/config.toml", "--run-dir", "again"});
    CHECK_MESSAGE(repeated.exit_code == 0, repeated.err);
    check_same(outcome_of(top / "again"), reference);
#if !defined(BELLMAN_MEMCHECKED)
    const CommandResult verified = in(top.path(), {"verify", "run"});
    CHECK(verified.exit_code == 0);
    CHECK(contains(verified.out, "map map.txt as the run began with it; its file is missing now"));
#endif
  }
}

TEST_CASE("a map file that changed is refused when a run resumes, and reported when a run is inspected") {
  for (const Task& task : kTasks) {
    CAPTURE(task.env_id);
    const TemporaryDirectory top;
    const RunOutcome reference = trained(top.path(), task, task.other);
    check_refused_in(top.path(), {"train", "--resume", "run"},
                     {"map.txt", task.difference, "--override map=map.txt"});
    check_refused_in(top.path(), {"train", "--config", "run/config.toml"},
                     {"map.txt", task.difference, "map_text", "run/config.toml"});
    check_same(outcome_of(top / "run"), reference);

    const CommandResult eval = in(top.path(), {"eval", "--checkpoint", "run/model.safetensors", "--json"});
    CHECK(eval.exit_code == 0);
    CHECK(contains(eval.err, task.difference));
    const CommandResult now =
        in(top.path(), {"eval", "--checkpoint", "run/model.safetensors", "--json", "--map", "map.txt"});
    CHECK(now.err.empty());
    written(top / "map.txt", task.map);  // with other comments it would be the same
    const CommandResult before = in(top.path(), {"eval", "--checkpoint", "run/model.safetensors", "--json"});
    CHECK(before.err.empty());
    CHECK(before.out == eval.out);
    CHECK(now.out != eval.out);
#if !defined(BELLMAN_MEMCHECKED)
    written(top / "map.txt", task.other);
    const CommandResult verified = in(top.path(), {"verify", "run"});
    CHECK(verified.exit_code == 0);
    CHECK(contains(verified.out, task.difference));
#endif
  }
}

TEST_CASE("another folder has a map of that name: the run resumes with its own") {
  const Task& task = kTasks[0];
  const TemporaryDirectory top;
  const RunOutcome reference = trained(top.path(), task, "");
  take_back(top / "run");
  fs::create_directory(top / "elsewhere");
  written(top / "elsewhere" / "map.txt", task.other);
  check_refused_in(top / "elsewhere", {"train", "--resume", "../run"}, {task.difference});
  written(top / "elsewhere" / "map.txt", "SFFF\r\nFHFH\r\nFFFH\r\nHFFG\r\n\r\n");  // says the same
  const CommandResult resumed = in(top / "elsewhere", {"train", "--quiet", "--resume", "../run"});
  CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
  check_same(outcome_of(top / "run"), reference);
}

TEST_CASE(
    "--override map changes the map on purpose, and verify trains on each as long as it was the run's") {
  for (const Task& task : kTasks) {
    CAPTURE(task.env_id);
    const TemporaryDirectory top;
    trained(top.path(), task, task.other);
    const CommandResult resumed = in(top.path(), {"train", "--quiet", "--resume", "run", "--override",
                                                  "map=map.txt", "--override", "total_timesteps=800"});
    REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
    const Checkpoint last = load_checkpoint(checkpoints_of(top / "run").front());
    REQUIRE(last.history.size() == 1);
    CHECK(last.history[0].config != last.config);
    fs::remove(top / "map.txt");
#if !defined(BELLMAN_MEMCHECKED)
    const CommandResult verified = in(top.path(), {"verify", "run"});
    CHECK(contains(verified.out,
                   "Environment: map map.txt as the run began with it, until step 600\n"
                   "Environment: map map.txt as --override brought it at step 600; its file is "
                   "missing now\n"));
    CHECK(contains(verified.out, "Identical"));
#endif
  }
}

TEST_CASE("a checkpoint and a model of a version that knew the map's name alone take the file as it is") {
  const Task& task = kTasks[1];
  const TemporaryDirectory top;
  const RunOutcome reference = trained(top.path(), task, task.map);
  take_back(top / "run");
  const auto without_text = [](std::string text) {
    const std::size_t begin = text.find("map_text = ");
    REQUIRE(begin != std::string::npos);
    const std::size_t end = text.find("\"\"\"\n", text.find("\"\"\"\n", begin) + 4) + 4;
    return text.erase(begin, end - begin);
  };
  const fs::path path = checkpoints_of(top / "run").front();
  Checkpoint old = load_checkpoint(path);
  old.config = without_text(old.config);
  save_checkpoint(path, old);
  const CommandResult resumed = in(top.path(), {"train", "--quiet", "--resume", "run"});
  CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
  CHECK(contains(resumed.err, "a version that did not keep it"));
  check_same(outcome_of(top / "run"), reference);
  fs::remove(top / "map.txt");
  for (const fs::path& p : checkpoints_of(top / "run"))
    if (p != path) fs::remove(p);
  save_checkpoint(path, old);
  check_refused_in(top.path(), {"train", "--resume", "run"},
                   {path.filename().string(), "map.txt", "neither a file"});

  Model model = load_model(top / "run" / "model.safetensors");
  model.env->map.text.clear();
  save_model(top / "old.safetensors", model);
  check_refused_in(top.path(), {"eval", "--checkpoint", "old.safetensors"}, {"map.txt", "neither a file"});
}

TEST_CASE("no map file is read while a run trains or evaluates") {
  const TemporaryDirectory top;
  const std::string file = written(top / "map.txt", kTasks[0].map);
  TrainConfig config;
  config.env.id = kTasks[0].env_id;
  config.env.map = file;
  config.total_timesteps = 120;
  config.eval_frequency = 40;
  config.eval_episodes = config.final_eval_episodes = 3;
  config.learning_starts = 10;
  config.batch_size = 4;
  config.num_envs = 2;
  const auto result = [&](const std::string& then) {
    written(file, kTasks[0].map);
    CpuBackend backend;
    Trainer trainer(config, backend);
    fs::remove(file);
    if (!then.empty()) written(file, then);
    return trainer.run();
  };
  const TrainResult reference = result(kTasks[0].map);
  for (const std::string& then : {std::string(), kTasks[0].other, std::string("no map")}) {
    const TrainResult other = result(then);
    CHECK(other.eval.mean == reference.eval.mean);
    CHECK(other.eval.mean_length == reference.eval.mean_length);
    CHECK(other.gradient_updates == reference.gradient_updates);
  }
}

/// A sweep over two maps, in `top`/sweep, that was ended before its first run.
void leave_sweep(const fs::path& top) {
  SweepPlan plan;
  plan.grid = {&grid_setting("map")};
  plan.seeds = {1, 2};
  for (const auto& [name, text] : {std::pair("a.txt", kTasks[0].map), std::pair("b.txt", kTasks[0].other)}) {
    ResolvedConfig resolved;
    resolved.origins.assign(settings().size(), "flag");
    TrainConfig& config = resolved.config;
    config.env.id = kTasks[0].env_id;
    config.env.map = written(top / name, text);
    config.env.max_episode_steps = 30;
    config.network = "dense 8, relu";
    config.total_timesteps = 300;
    config.learning_starts = 50;
    config.batch_size = 8;
    config.eval_frequency = 100;
    config.eval_episodes = config.final_eval_episodes = 3;
    read_map(config.env);
    plan.variants.push_back(sweep_variant(plan.grid, resolved));
  }
  fs::create_directory(top / "sweep");
  save_sweep_plan(sweep_plan_path(top / "sweep"), plan, std::vector<RunRecord>(plan.runs()));
}

TEST_CASE("a resumed sweep trains every run on the map that it began with") {
  const auto swept = [](const fs::path& top) {
    const CommandResult result = in(top, {"sweep", "--resume", "sweep", "--quiet", "--json", "--jobs", "1"});
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    return runs_without_times(result.out);
  };
  const TemporaryDirectory untouched, removed, changed;
  for (const TemporaryDirectory* top : {&untouched, &removed, &changed}) leave_sweep(top->path());
  const std::string reference = swept(untouched.path());
  fs::remove(removed / "a.txt");
  fs::remove(removed / "b.txt");
  CHECK(swept(removed.path()) == reference);
  written(changed / "b.txt", kTasks[0].map);
  check_refused_in(changed.path(), {"sweep", "--resume", "sweep"},
                   {"b.txt", "line 2 is \"FHFH\", it was \"FFFH\""});
}

TEST_CASE("the combinations of a grid read each map file once, and its plan keeps the text") {
  const TemporaryDirectory top;
  written(top / "a.txt", kTasks[0].map);
  const CommandResult result =
      in(top.path(), {"sweep", "--env-id", "FrozenLake-v1", "--grid", "map=a.txt;4x4", "--grid", "n_step=1,2",
                      "--seeds", "1", "--total-timesteps", "100", "--sweep-dir", "sweep", "--quiet"});
  CHECK_MESSAGE(result.exit_code == 0, result.err);
  check_refused_in(top.path(), {"sweep", "--env-id", "FrozenLake-v1", "--grid", "map=a.txt;none.txt"},
                   {"none.txt", "neither a file"});
}

}  // namespace
}  // namespace bellman::test
