// `bellman eval`: the returns of whole episodes, and how they compare with what is possible.

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "rl/train/evaluator.h"
#include "tests/apps/commands/test_models.h"
#include "tests/apps/refusal.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

Json evaluated(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "eval");
  arguments.push_back("--json");
  const CommandResult finished = run_bellman(arguments);
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  CHECK(finished.err.empty());
  return parse_json(finished.out);
}

TEST_CASE("eval plays the evaluator's episodes with the model of the file") {
  const TemporaryDirectory folder;
  const std::string path = saved(balancing_model(), folder / "cartpole.safetensors");
  const Json json = evaluated({"--checkpoint", path, "--episodes", "20", "--seed", "5"});

  EnvOptions cartpole;
  const QFunction q = [](std::span<float> out, std::span<const float> s, Index n) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      out[2 * i] = 0;
      out[2 * i + 1] = 0.1F * s[4 * i] + 0.5F * s[4 * i + 1] + 4 * s[4 * i + 2] + s[4 * i + 3];
    }
  };
  const EvalResult wanted = Evaluator(cartpole, 20, 5, OnNan::kStop).evaluate(q, 20);
  CHECK(wanted.mean > 200);  // the model balances, so the comparison says something
  CHECK(json["env_id"] == "CartPole-v1");
  CHECK(json["eval"]["seed"] == 5);
  CHECK(json["eval"]["episodes"] == 20);
  CHECK(json["eval"]["mean"].get<double>() == doctest::Approx(wanted.mean).epsilon(0.02));
  CHECK(json["eval"]["max"] == wanted.max);
  CHECK_FALSE(json.contains("policy_return"));

  CHECK(evaluated({"--checkpoint", path, "--episodes", "20", "--seed", "5"}) == json);
  const Json random = evaluated({"--checkpoint", path, "--episodes", "20", "--epsilon", "1"});
  CHECK(random["eval"]["mean"].get<double>() < 60);
  CHECK(random["eval"]["mean"].get<double>() > 8);
}

TEST_CASE("eval takes the environment's options from the file, and from the command line over it") {
  const TemporaryDirectory folder;
  Model model = balancing_model();
  model.env->max_episode_steps = 7;
  const std::string path = saved(model, folder / "short.safetensors");
  CHECK(evaluated({"--checkpoint", path, "--episodes", "3"})["eval"]["mean"] == 7);
  CHECK(evaluated({"--checkpoint", path, "--episodes", "3", "--max-episode-steps", "9"})["eval"]["mean"] ==
        9);
  CHECK(evaluated({"--checkpoint", path, "--episodes", "3", "--env-id", "CartPole-v1"})["eval"]["mean"] == 7);
  // Another environment: the file's options are of no meaning there.
  CHECK(evaluated({"--checkpoint", path, "--episodes", "3", "--env-id", "CartPole-v0"})["eval"]["mean"] >
        100);
}

TEST_CASE("eval says what a gridworld's policy is worth exactly") {
  const TemporaryDirectory folder;
  EnvOptions cliff;
  cliff.id = "CliffWalking-v1";
  const std::string path = saved(optimal_model(cliff, 0.99), folder / "cliff.safetensors");
  const Json json = evaluated({"--checkpoint", path, "--episodes", "2"});
  CHECK(json["eval"]["mean"] == -13);
  CHECK(json["policy_return"] == -13);
  CHECK(json["optimal_return"] == -13);

  EnvOptions lake;
  lake.id = "FrozenLake-v1";
  const Json slippery = evaluated(
      {"--checkpoint", saved(optimal_model(lake, 0.999), folder / "lake.safetensors"), "--episodes", "2000"});
  const double exact = slippery["policy_return"];
  CHECK(exact <= slippery["optimal_return"].get<double>());
  CHECK(exact > 0.70);
  // 2 000 episodes of a return of 0 or 1: four standard errors are 0.04.
  CHECK(std::abs(slippery["eval"]["mean"].get<double>() - exact) < 0.04);
}

TEST_CASE("eval finds in a trained model's file all that train knew") {
  const TemporaryDirectory folder;
  // clang-format off
  const CommandResult trained = run_bellman({
      "train", "--env-id", "FrozenLake-v1", "--success-rate", "0.5", "--observation", "coordinates",
      "--normalize-observation", "--preset", "none", "--network", "dense 16, tanh", "--total-timesteps", "1500",
      "--learning-starts", "100", "--batch-size", "16", "--eval-frequency", "0", "--final-eval-episodes", "50",
      "--run-dir", (folder / "run").string(), "--json", "--quiet"});
  // clang-format on
  REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
  const Json report = parse_json(trained.out);
  const Json json = evaluated({"--checkpoint", (folder / "run" / "model.safetensors").string(), "--episodes",
                               "50", "--seed", report["eval"]["seed"].dump()});
  CHECK(json["env_id"] == "FrozenLake-v1");
  CHECK(json["policy_return"] == report["policy_return"]);
  CHECK(json["optimal_return"] == report["optimal_return"]);
  CHECK(json["eval"] == report["eval"]);  // the very episodes that train played at its end
}

TEST_CASE("eval --draw shows the policy as arrows on the map") {
  const TemporaryDirectory folder;
  EnvOptions cliff;
  cliff.id = "CliffWalking-v1";
  const std::string path = saved(optimal_model(cliff, 0.99), folder / "cliff.safetensors");
  const CommandResult drawn = run_bellman({"eval", "--checkpoint", path, "--episodes", "1", "--draw"});
  REQUIRE_MESSAGE(drawn.exit_code == 0, drawn.err);
  CHECK(drawn.out.find("-13 +- 0") != std::string::npos);
  CHECK(drawn.out.find("→→→→→→→→→→→") != std::string::npos);
  const std::string cartpole = saved(balancing_model(), folder / "cartpole.safetensors");
  check_refused({"eval", "--checkpoint", cartpole, "--draw"}, {"--draw", "CartPole-v1"});
  check_refused({"eval", "--checkpoint", path, "--draw", "--json"}, {"--draw", "--json"});
}

TEST_CASE("eval refuses what does not fit, naming both") {
  const TemporaryDirectory folder;
  const std::string path = saved(balancing_model(), folder / "cartpole.safetensors");
  check_refused({"eval", "--checkpoint", path, "--env-id", "FrozenLake-v1"},
                {"cartpole.safetensors", "(4)", "2 Q-values", "FrozenLake-v1", "(16)", "4 actions"});
  check_refused({"eval", "--checkpoint", path, "--env-id", "CartPole-v3"}, {"CartPole-v3", "CartPole-v"});
  check_refused({"eval", "--checkpoint", path, "--episodes", "0"}, {"--episodes", "0"});
  check_refused({"eval", "--checkpoint", path, "--episodes", "1e99"}, {"--episodes", "1e99"});
  check_refused({"eval", "--checkpoint", path, "--epsilon", "1.5"}, {"--epsilon", "1.5"});
  check_refused({"eval", "--checkpoint", path, "--epsilon", "nan"}, {"--epsilon", "nan"});
  check_refused({"eval", "--checkpoint", path, "--seed", "-1"}, {"--seed", "-1"});
  check_refused({"eval", "--checkpoint", path, "--map", "4x4"}, {"CartPole-v1", "map"});
  check_refused({"eval"}, {"--checkpoint"});
  Model unknown = balancing_model();
  unknown.env.reset();
  check_refused({"eval", "--checkpoint", saved(unknown, folder / "unknown.safetensors")}, {"--env-id"});
}

}  // namespace
}  // namespace bellman::test
