// `bellman sweep`: each run equals that of `bellman train`, whatever trains beside it, and its files say
// so.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "tests/apps/refusal.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

TEST_CASE("a sweep's runs are those of bellman train, for any number of jobs") {
  const TemporaryDirectory top;
  const Words sweep =
      Words{"sweep", "--quiet", "--json", "--seeds", "3-4,9", "--grid", "n_step=1,3"} + short_training();
  std::vector<Json> results;
  for (const std::string jobs : {"1", "2", "5"}) {
    const CommandResult result =
        run_bellman(sweep + Words{"--jobs", jobs, "--sweep-dir", (top / jobs).string()});
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    results.push_back(parse_json(without_times(result.out)));
    CHECK(parse_json(without_times(text_of(top / jobs / "sweep.json"))) == results.back());
  }
  CHECK(results[1] == results[0]);
  CHECK(results[2] == results[0]);
  CHECK(text_of(top / "1" / "sweep_curves.csv") == text_of(top / "5" / "sweep_curves.csv"));

  const Json& variant = results[0]["variants"][1];
  CHECK(variant["settings"] == Json{{"n_step", 3}});
  for (const char* const flag : {"double", "prioritized", "replay"})
    CHECK(variant["config"][flag].is_boolean());
  for (const char* const count : {"seed", "total_timesteps", "n_step", "threads"})
    CHECK(variant["config"][count].is_number_integer());
  for (const char* const real : {"gamma", "learning_rate"}) CHECK(variant["config"][real].is_number_float());
  for (const char* const text : {"env_id", "network", "optimizer", "solved_return"})
    CHECK(variant["config"][text].is_string());
  CHECK(variant["summary"]["finished"] == 3);
  const CommandResult single = run_bellman(Words{"train", "--quiet", "--json", "--seed", "9", "--n-step", "3",
                                                 "--run-dir", (top / "single").string()} +
                                           short_training());
  REQUIRE(single.exit_code == 0);
  const Json expected = parse_json(single.out), run = variant["runs"][2];
  CHECK(run["seed"] == 9);
  CHECK(run["gradient_updates"] == expected["gradient_updates"]);
  const Json& best = results[0]["best"];
  REQUIRE(best.size() == 1);
  double most = -1;
  for (const Json& v : results[0]["variants"])
    for (const Json& r : v["runs"]) most = std::max(most, r["eval"]["mean"].get<double>());
  CHECK(best[0]["eval_mean"] == most);
  // The command that each row names makes the run again, to the bytes of its model.
  for (const Json& v : results[0]["variants"])
    for (const Json& r : v["runs"]) {
      const std::string command = r["command"];
      CHECK(text_of(top / "1" / "sweep.csv").find(command.substr(0, command.find('\''))) !=
            std::string::npos);
      if (v["settings"] != best[0]["settings"] || r["seed"] != best[0]["seed"]) continue;
      const std::string again = (top / "again").string();
      const CommandResult made = run_program(
          "/bin/sh", {"-c", std::string(BELLMAN_COMMAND) + command.substr(std::string("bellman").size()) +
                                " --quiet --run-dir " + again});
      CAPTURE(made.err);
      REQUIRE(made.exit_code == 0);
      CHECK(text_of(top / "again" / "model.safetensors") ==
            text_of(top / "1" / "best-CartPole-v1.safetensors"));
    }
  for (const char* const key : {"mean", "std", "min", "max", "episodes"})
    CHECK(run["eval"][key] == expected["eval"][key]);
}

TEST_CASE("a sweep's files: a row a run, a row an evaluation, a page") {
  const TemporaryDirectory top;
  const std::string directory = (top / "sweep").string();
  const CommandResult result =
      run_bellman(Words{"sweep", "--seeds", "1,2", "--grid", "network=dense 8, relu; dense 4, tanh",
                        "--sweep-dir", directory, "--total-timesteps", "400", "--preset", "none",
                        "--learning-starts", "50", "--eval-frequency", "200", "--final-eval-episodes", "2"});
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out.starts_with("CartPole-v1: 2 settings, 2 seeds. 4 agents of about "));
  CHECK(result.out.find("4 of 4 runs done") != std::string::npos);
  const std::string runs = text_of(top / "sweep" / "sweep.csv");
  CHECK(runs.starts_with("network,seed,state,eval_mean,"));
  CHECK(std::count(runs.begin(), runs.end(), '\n') == 5);
  CHECK(runs.find("\"dense 4, tanh\",2,finished,") != std::string::npos);
  const std::string curves = text_of(top / "sweep" / "sweep_curves.csv");
  CHECK(std::count(curves.begin(), curves.end(), '\n') == 1 + 4 * 2);
  const std::string page = text_of(top / "sweep" / "sweep.html");
  CHECK(page.find("<polyline") != std::string::npos);
  CHECK(page.find("network=dense 4, tanh") != std::string::npos);
  CHECK(page.find("://") == std::string::npos);                // nothing from elsewhere
  const std::size_t all_settings = page.find("All settings");  // "on_nan" among them
  REQUIRE(all_settings != std::string::npos);
  CHECK(page.substr(0, all_settings).find("nan") == std::string::npos);
  CHECK(page.find("<td>network</td><td>dense 8, relu | dense 4, tanh</td>") != std::string::npos);
  check_refused({"sweep", "--seeds", "1", "--sweep-dir", directory}, {directory, "not empty"});
}

TEST_CASE("a sweep refuses what it cannot do, and names it") {
  const Words sweep = {"sweep", "--sweep-dir", "never"};
  check_refused(sweep + Words{"--seeds", "5-3"}, {"--seeds", "5-3"});
  check_refused(sweep + Words{"--seeds", "1,1-2"}, {"--seeds", "1", "twice"});
  check_refused(sweep + Words{"--seeds", "x"}, {"--seeds", "x"});
  check_refused(sweep + Words{"--seeds", ""}, {"--seeds"});
  check_refused(sweep + Words{"--seeds", "1-"}, {"--seeds", "\"1-\"", "range"});
  check_refused(sweep + Words{"--grid", "gamma=0.9,0.90"}, {"--grid", "gamma=0.9", "twice"});
  check_refused({"sweep", "--sweep-dir", ""}, {"the name is empty"});
  check_refused({"sweep", "--resume", ""}, {"--resume", "no sweep"});
  check_refused({"sweep", "--resume", "nope"}, {"\"nope\"", "no such directory"});
  check_refused(sweep + Words{"--seeds", "0-18446744073709551615"}, {"--seeds", "more than"});
  check_refused(sweep + Words{"--seed", "1"}, {"--seed", "--seeds"});
  check_refused(sweep + Words{"--grid", "gama=0.9"}, {"--grid", "gama", "did you mean \"gamma\""});
  check_refused(sweep + Words{"--grid", "gamma"}, {"--grid", "gamma", "KEY=VALUE"});
  check_refused(sweep + Words{"--grid", "gamma=0.9,2"}, {"--grid gamma", "2"});
  check_refused(sweep + Words{"--grid", "gamma="}, {"--grid gamma"});
  check_refused(sweep + Words{"--grid", "gamma=0.9", "--gamma", "0.8"}, {"--grid gamma", "--gamma"});
  check_refused(sweep + Words{"--grid", "gamma=0.9", "--grid", "gamma=0.8"}, {"--grid gamma", "twice"});
  for (const char* const values : {"network=dense 8, relu", "network=dense 8,relu", "network=,", "map=a,b"})
    check_refused(sweep + Words{"--grid", values},
                  {"--grid", values + std::string(values).find('=') + 1, "semicolon"});
  check_refused(sweep + Words{"--grid", "network=dense 8, relu; dense 8, relu"}, {"--grid", "twice"});
  check_refused(sweep + Words{"--grid", "gamma=0.9,0.8; 0.7"}, {"--grid gamma", "0.9,0.8"});
  check_refused(sweep + Words{"--grid", "seed=1,2"}, {"--grid seed", "--seeds"});
  check_refused(sweep + Words{"--keep", "2"}, {"--keep", "no checkpoints"});
  check_refused(sweep + Words{"--grid", "checkpoint-frequency=1,2"}, {"--grid checkpoint_frequency"});
  check_refused(sweep + Words{"--jobs", "0"}, {"--jobs", "0"});
  check_refused(sweep + Words{"--device", "simt", "--learner", "op-by-op", "--jobs", "2"},
                {"--jobs 2", "--device cpu"});
  check_refused(sweep + Words{"--env-id", "FourRooms-v0", "--observation", "planes", "--network",
                              "flatten, dense 8, relu", "--buffer-size", "2e9"},
                {"the run needs about", "MiB", "buffer_size"});
  check_refused(sweep + Words{"--device", "simt", "--env-id", "FourRooms-v0", "--observation", "planes",
                              "--network", "flatten, dense 8, relu", "--buffer-size", "2e9"},
                {"an agent needs", "MiB of the device's memory"});
  CHECK_FALSE(std::filesystem::exists("never"));
}

TEST_CASE("networks of a grid are separated by semicolons alone") {
  const auto settings_of = [](const std::string& grid) {
    const CommandResult result =
        run_bellman({"sweep", "--grid", grid, "--seeds", "0", "--dry-run", "--json"});
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    std::vector<std::string> networks;
    const Json plan = parse_json(result.out);
    for (const Json& variant : plan["variants"]) networks.push_back(variant["settings"]["network"]);
    return networks;
  };
  using Texts = std::vector<std::string>;
  CHECK(settings_of("network=dense 8, relu;") == Texts{"dense 8, relu"});
  CHECK(settings_of("network=dense 8") == Texts{"dense 8"});
  CHECK(settings_of("network=dense 8, relu; dense 4, tanh") == Texts{"dense 8, relu", "dense 4, tanh"});
  CHECK(settings_of("network=dense 8, relu; dense 4, tanh;") == Texts{"dense 8, relu", "dense 4, tanh"});
}

TEST_CASE("a sweep names on stderr which runs failed, and why, with and without its table") {
  for (const Words& mode : {Words{}, Words{"--quiet"}, Words{"--json"}}) {
    const TemporaryDirectory top;
    const CommandResult result = run_bellman(Words{"sweep", "--seeds", "1-6", "--grid", "reward_scale=1,1e30",
                                                   "--sweep-dir", (top / "sweep").string()} +
                                             mode + short_training());
    CHECK(result.exit_code == 1);
    CHECK(result.err.find("bellman sweep: reward_scale=1e+30, seed 3: failed: gradient update ") !=
          std::string::npos);
    CHECK(result.err.find("reward_scale=1, seed 3: failed") == std::string::npos);
    CHECK(text_of(top / "sweep" / "sweep.html").find("<h2>Failed runs</h2>") != std::string::npos);
    if (mode.empty()) CHECK(result.out.find("6 seeds a setting are few") != std::string::npos);
  }
}

TEST_CASE("a sweep with --device auto says why there is no GPU") {
  const std::map<std::string, std::string> none = {{"BELLMAN_CUDA_PLUGIN", "/nowhere/plugin.so"}};
  const CommandResult plan =
      run_bellman({"sweep", "--device", "auto", "--seeds", "0", "--dry-run"}, {.environment = none});
  CHECK(plan.out.find("\nDevice: the CPU, as there is no GPU to use: ") != std::string::npos);
  const TemporaryDirectory top;
  const CommandResult sweep = run_bellman(
      Words{"sweep", "--device", "auto", "--seeds", "0", "--sweep-dir", (top / "sweep").string()} +
          short_training(),
      {.environment = none});
  CHECK(sweep.exit_code == 0);
  CHECK(sweep.out.find("\nDevice: the CPU, as there is no GPU to use: ") != std::string::npos);
  CHECK(run_bellman({"sweep", "--seeds", "0", "--dry-run"}).out.find("Device: ") == std::string::npos);
}

TEST_CASE("a sweep's --dry-run trains and writes nothing") {
  const CommandResult result =
      run_bellman({"sweep", "--grid", "gamma=0.9,0.99", "--seeds", "0-19", "--dry-run"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("gamma=0.99") != std::string::npos);
  CHECK(result.out.find("40 agents") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists("sweeps"));
  const CommandResult json =
      run_bellman({"sweep", "--grid", "gamma=0.9,0.99", "--seeds", "0-1", "--dry-run", "--json"});
  const auto object = parse_json(json.out);
  CHECK(object["seeds"] == nlohmann::json({0, 1}));
  CHECK(object["variants"][1]["settings"]["gamma"] == 0.99);
  CHECK(object["variants"][1]["config"]["gamma"]["origin"] == "grid");
  CHECK(object["variants"][0]["config"]["env_id"]["value"] == "CartPole-v1");
  const CommandResult one = run_bellman({"sweep", "--seeds", "3", "--dry-run"});
  CHECK(one.out.find("1 setting, 1 seed; ") != std::string::npos);
  CHECK(one.out.find("1 agent of about ") != std::string::npos);
}

}  // namespace
}  // namespace bellman::test
