// For each setting another value, and a run that has the setting.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/run_command.h"
#include "tests/support/test_data.h"

namespace bellman::test {

/// Runs that settings apply to.
inline const std::map<std::string, Words> kOverrideRuns = {
    {"cart", {"--env-id", "CartPole-v1", "--prioritized", "--loss", "huber"}},
    {"lake", {"--env-id", "FrozenLake-v1", "--num-envs", "2"}},
    {"world", {"--env-id", "GridWorld-v0", "--map", "russell_norvig"}},
    {"python", {"--env-id", "gymnasium:CartPole-v1", "--python", test_python()}},
    {"game",
     {"--env-id", "gymnasium:ALE/Breakout-v5", "--python", test_python(), "--atari", "--network",
      "flatten, dense 2, relu"}},
    {"rms",
     {"--env-id", "CartPole-v1", "--num-envs", "3", "--optimizer", "rmsprop", "--momentum", "0.5",
      "--exploration-schedule", "exponential", "--munchausen"}},
};

/// Another value of a setting, and the run that has the setting.
struct OverrideChange {
  std::string key, value, run = "cart";
};
inline const std::vector<OverrideChange> kOverrideChanges = {
    {"env-id", "CartPole-v0"},
    {"map", "8x8", "lake"},
    {"observation", "coordinates", "lake"},
    {"slippery", "false", "lake"},
    {"success-rate", "0.9", "lake"},
    {"slip", "0.5", "world"},
    {"sutton-barto-reward", "true"},
    {"max-episode-steps", "30", "rms"},
    {"frame-stack", "2"},
    {"env-kwargs", "sutton_barto_reward=true", "python"},
    {"python", test_python(), "python"},
    {"env-workers", "1", "python"},
    {"env-timeout", "50", "python"},
    {"atari", "false", "game"},
    {"noop-max", "3", "game"},
    {"frame-skip", "2", "game"},
    {"screen-size", "20", "game"},
    {"terminal-on-life-loss", "true", "game"},
    {"seed", "77"},
    {"total-timesteps", "450"},
    {"num-envs", "2"},
    {"threads", "2"},
    {"device", "reference"},
    {"learner", "op-by-op"},
    {"on-nan", "skip"},
    {"network", "dense 9, relu"},
    {"dueling", "true"},
    {"initialiser", "he"},
    {"optimizer", "sgd", "rms"},
    {"learning-rate", "0.01"},
    {"anneal-learning-rate", "true"},
    {"optimizer-epsilon", "0.001", "rms"},
    {"rmsprop-alpha", "0.9", "rms"},
    {"rmsprop-epsilon-in-root", "true", "rms"},
    {"weight-decay", "0.1"},
    {"momentum", "0.9", "rms"},
    {"rmsprop-centered", "true", "rms"},
    {"max-grad-norm", "0.1"},
    {"gamma", "0.5"},
    {"double", "true"},
    {"munchausen", "true", "lake"},
    {"munchausen-alpha", "0.5", "rms"},
    {"munchausen-temperature", "0.1", "rms"},
    {"munchausen-clip", "-0.5", "rms"},
    {"n-step", "3"},
    {"loss", "mse"},
    {"huber-delta", "0.1"},
    {"target-network", "false"},
    {"tau", "0.5"},
    {"target-network-frequency", "7"},
    {"replay", "false", "lake"},
    {"buffer-size", "200"},
    {"prioritized", "true", "lake"},
    {"per-alpha", "0.3"},
    {"per-beta-start", "0.9"},
    {"per-beta-end", "0.5"},
    {"per-epsilon", "0.1"},
    {"batch-size", "16"},
    {"learning-starts", "350"},
    {"train-frequency", "3"},
    {"gradient-steps", "2"},
    {"exploration-schedule", "exponential"},
    {"start-e", "0.5"},
    {"end-e", "0.3"},
    {"exploration-fraction", "1"},
    {"exploration-decay", "0.9", "rms"},
    {"normalize-observation", "true"},
    {"observation-scale", "0.5"},
    {"reward-scale", "0.5"},
    {"reward-clip", "0.5"},
    {"eval-frequency", "50"},
    {"eval-episodes", "3"},
    {"final-eval-episodes", "3"},
    {"eval-epsilon", "0.1"},
    {"eval-seed", "9"},
    {"keep-best", "false"},
    {"solved-return", "100"},
    {"solve-confirm-episodes", "3"},
    {"stop-when-solved", "true"},
    {"log-frequency", "30"},
    {"diagnostics", "full"},
    {"checkpoint-frequency", "60"},
    {"checkpoint-seconds", "30"},
    {"keep", "1"},
};

}  // namespace bellman::test
