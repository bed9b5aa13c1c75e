// `bellman train` when numbers go wrong, as a user sees it.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/run/checkpoint.h"
#include "rl/train/model_file.h"
#include "tests/support/error_message.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Rewards of 1e30, whose squares no float holds: the first learn step's loss is infinite, and every other's.
std::vector<std::string> overflowing_run(const std::string& directory, const std::string& device) {
  return {"train",
          "--total-timesteps",
          "450",
          "--learning-starts",
          "300",
          "--batch-size",
          "8",
          "--buffer-size",
          "400",
          "--network",
          "dense 6, relu",
          "--train-frequency",
          "10",
          "--no-stop-when-solved",
          "--eval-frequency",
          "0",
          "--final-eval-episodes",
          "1",
          "--checkpoint-frequency",
          "100",
          "--keep",
          "9",
          "--n-step",
          "1",
          "--reward-scale",
          "1e30",
          "--device",
          device,
          "--run-dir",
          directory};
}

TEST_CASE("a run whose loss overflows ends with one line, exit code 2 and its last good checkpoint") {
  for (const std::string device : {"cpu", "simt"}) {
    CAPTURE(device);
    const TemporaryDirectory top;
    const std::string run = (top / "run").string();
    std::vector<std::string> words = overflowing_run(run, device);
    words.push_back("--quiet");
    const CommandResult stopped = run_bellman(words);
    CHECK(stopped.exit_code == 2);
    CHECK(std::count(stopped.err.begin(), stopped.err.end(), '\n') == 1);
    CHECK(contains(
        stopped.err,
        "gradient update 1, at environment step 300: a loss is not finite: the loss is inf; sample "));
    CHECK(contains(stopped.err, " of 8 (replay slot "));
    CHECK(contains(stopped.err, "reward 1e+30"));
    CHECK(!fs::exists(run + "/model.safetensors"));
    const std::vector<fs::path> checkpoints = checkpoints_of(run);
    REQUIRE(checkpoints.size() == 2);  // of steps 200 and 100
    CHECK(load_checkpoint(checkpoints[0]).timestep == 200);

    const CommandResult again = run_bellman({"train", "--resume", run, "--quiet"});
    CHECK(again.exit_code == 2);
    CHECK(again.err == stopped.err);

    const CommandResult skips =
        run_bellman({"train", "--resume", run, "--override", "on_nan=skip", "--json"});
    REQUIRE_MESSAGE(skips.exit_code == 0, skips.err);
    CHECK(contains(
        skips.err,
        "Skipped, with numbers that are NaN or infinite: 16 gradient steps and 0 environment steps."));
    const auto json = parse_json(skips.out);
    CHECK(json["skipped_updates"] == 16);
    CHECK(json["gradient_updates"] == 16);
    CHECK(json["skipped_steps"] == 0);
    CHECK(load_model(run + "/model.safetensors").timestep == 450);
    CHECK(load_checkpoint(checkpoints_of(run)[0]).timestep == 450);
  }
}

TEST_CASE("on-nan knows stop and skip") {
  const CommandResult result = run_bellman({"train", "--on-nan", "sikp", "--dry-run"});
  CHECK(result.exit_code == 2);
  CHECK(contains(result.err, "unknown \"sikp\""));
}

}  // namespace
}  // namespace bellman::test
