#include "apps/settings/presets.h"

#include <string>

#include "apps/base/numbers.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

bool is_frozen_lake(const TrainConfig& config) {
  return config.env.id == "FrozenLake-v1" || config.env.id == "FrozenLake8x8-v1";
}
bool is_gridworld(const TrainConfig& config) {
  return is_frozen_lake(config) || config.env.id == "CliffWalking-v1" || config.env.id == "GridWorld-v0" ||
         config.env.id == "FourRooms-v0";
}

// Later presets refine earlier ones. Other settings keep their defaults.
constexpr Preset kPresets[] = {
    {"CartPole", "solved within a second or two",
     [](const TrainConfig& config) { return config.env.id.starts_with("CartPole"); },
     R"(total-timesteps = 100000
        network = dense 64, relu, dense 64, relu
        learning-rate = 4e-3
        anneal-learning-rate = true
        double = true
        n-step = 5
        prioritized = true
        buffer-size = 50000
        batch-size = 64
        learning-starts = 500
        train-frequency = 2
        target-network-frequency = 50
        end-e = 0.1
        exploration-fraction = 0.06
        eval-frequency = 1000
        stop-when-solved = true
     )"},

    {"CartPole-v1",
     "trains a little beyond the threshold of 475, so that the kept network holds it on fresh episodes, too",
     [](const TrainConfig& config) { return config.env.id == "CartPole-v1"; },
     R"(solved-return = 490
     )"},

    {"MountainCar", "a velocity of 0.07 at most is scaled up, or the network hardly sees it",
     [](const TrainConfig& config) { return config.env.id == "MountainCar-v0"; },
     R"(total-timesteps = 150000
        network = dense 64, relu, dense 64, relu
        normalize-observation = true
        learning-rate = 2e-3
        anneal-learning-rate = true
        gamma = 0.99
        double = true
        n-step = 3
        buffer-size = 50000
        batch-size = 64
        learning-starts = 1000
        train-frequency = 1
        target-network-frequency = 500
        end-e = 0.05
        exploration-fraction = 0.1
        eval-frequency = 2500
        solved-return = -108
        stop-when-solved = true
     )"},

    {"Acrobot", "solved within a few seconds, a little beyond the threshold of -100",
     [](const TrainConfig& config) { return config.env.id == "Acrobot-v1"; },
     R"(total-timesteps = 100000
        network = dense 64, relu, dense 64, relu
        learning-rate = 1e-3
        anneal-learning-rate = true
        gamma = 0.99
        double = true
        n-step = 3
        prioritized = true
        buffer-size = 50000
        batch-size = 64
        learning-starts = 1000
        train-frequency = 4
        target-network-frequency = 250
        end-e = 0.05
        exploration-fraction = 0.12
        eval-frequency = 2500
        solved-return = -95
        stop-when-solved = true
     )"},

    {"LunarLander",
     "solved within a few minutes, beyond the threshold of 200, so that fresh episodes confirm it",
     [](const TrainConfig& config) { return config.env.id == "gymnasium:LunarLander-v3"; },
     R"(total-timesteps = 800000
        num-envs = 4
        env-workers = 1
        network = dense 256, relu, dense 128, relu
        learning-rate = 5e-4
        anneal-learning-rate = true
        gamma = 0.99
        double = true
        n-step = 3
        buffer-size = 200000
        batch-size = 128
        learning-starts = 5000
        train-frequency = 2
        target-network-frequency = 4
        tau = 0.01
        end-e = 0.02
        exploration-fraction = 0.08
        eval-frequency = 10000
        eval-episodes = 20
        solved-return = 220
        stop-when-solved = true
     )"},

    {"atari",
     "the numbers of CleanRL's dqn_atari.py: Adam; sticky actions and whole games as in Machado et al. 2018",
     [](const TrainConfig& config) { return config.env.atari; },
     R"(total-timesteps = 10000000
        frame-stack = 4
        observation-scale = 0.00392156862745098
        reward-clip = 1
        network = conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu
        optimizer = adam
        learning-rate = 1e-4
        gamma = 0.99
        loss = mse
        batch-size = 32
        train-frequency = 4
        buffer-size = 1000000
        learning-starts = 80000
        target-network-frequency = 1000
        end-e = 0.01
        exploration-fraction = 0.1
        eval-frequency = 250000
        eval-episodes = 10
        eval-epsilon = 0.001
        final-eval-episodes = 30
        solve-confirm-episodes = 0
        log-frequency = 10000
     )"},

    {"gridworld", "a small network on one-hot or coordinates", is_gridworld,
     R"(total-timesteps = 60000
        network = dense 64, relu
        learning-rate = 1e-3
        double = true
        buffer-size = 20000
        batch-size = 64
        learning-starts = 1000
        train-frequency = 1
        target-network-frequency = 200
        end-e = 0.1
        exploration-fraction = 0.5
        eval-frequency = 5000
        log-frequency = 1000
     )"},

    {"FrozenLake", "rewards are rare: explore for long, look far ahead", is_frozen_lake,
     R"(gamma = 0.99
        end-e = 0.1
        exploration-fraction = 0.6
     )"},

    {"FrozenLake slippery", "returns are noisy: learn slowly and evaluate on many episodes",
     [](const TrainConfig& config) { return is_frozen_lake(config) && config.env.slippery; },
     R"(total-timesteps = 150000
        learning-rate = 5e-4
        target-network-frequency = 500
        eval-episodes = 100
     )"},

    {"FrozenLake8x8", "a longer way to the goal",
     [](const TrainConfig& config) { return config.env.id == "FrozenLake8x8-v1"; },
     R"(total-timesteps = 300000
        buffer-size = 50000
     )"},

    {"CliffWalking", "a reward of -100 would drown the rest: scaled down",
     [](const TrainConfig& config) { return config.env.id == "CliffWalking-v1"; },
     R"(reward-scale = 0.1
        gamma = 0.99
     )"},

    {"FourRooms", "few goals, long ways",
     [](const TrainConfig& config) { return config.env.id == "FourRooms-v0"; },
     R"(total-timesteps = 100000
        end-e = 0.2
     )"},

    {"planes", "images of a gridworld: a convolutional network, a gradient step every fourth step",
     [](const TrainConfig& config) { return config.env.observation == "planes"; },
     R"(network = conv 8 3x3 padding 1, relu, flatten, dense 64, relu
        batch-size = 32
        train-frequency = 4
     )"},

    {"FourRooms planes", "a larger image: the convolution goes in strides",
     [](const TrainConfig& config) {
       return config.env.id == "FourRooms-v0" && config.env.observation == "planes";
     },
     R"(network = conv 8 3x3 stride 2 padding 1, relu, flatten, dense 64, relu
        total-timesteps = 60000
     )"},

    {"cleanrl", "CleanRL's dqn.py, whose published CartPole-v1 return is 488.69 +- 16.11", nullptr,
     R"(total-timesteps = 500000
        network = dense 120, relu, dense 84, relu
        learning-rate = 2.5e-4
        gamma = 0.99
        loss = mse
        buffer-size = 10000
        batch-size = 128
        learning-starts = 10000
        train-frequency = 10
        target-network-frequency = 500
        tau = 1
        start-e = 1
        end-e = 0.05
        exploration-fraction = 0.5
        keep-best = false
     )"},

    {"textbook", "Mnih et al. 2015 at its plainest: a gradient step a step", nullptr,
     R"(total-timesteps = 20000
        network = dense 64, relu, dense 64, relu
        learning-rate = 1e-3
        gamma = 0.99
        loss = mse
        buffer-size = 10000
        batch-size = 64
        learning-starts = 64
        train-frequency = 1
        gradient-steps = 1
        target-network-frequency = 100
        exploration-schedule = exponential
        start-e = 1
        end-e = 0.01
        exploration-decay = 0.9995
     )"},

    // The paper's extended data table 1. Its program sums the gradients of a minibatch; ours are their mean,
    // 32 times smaller: its 0.01 under the root is 0.01 / 32^2 here. The paper's numbers for 50 million
    // frames of images do not fit small tasks: network, length of the run, size of the replay, and the pace
    // of target and exploration are ours.
    {"nature", "Mnih et al. 2015: its RMSprop, clipped errors and rewards, minibatch and update frequency",
     nullptr,
     R"(total-timesteps = 100000
        network = dense 64, relu, dense 64, relu
        optimizer = rmsprop
        learning-rate = 2.5e-4
        rmsprop-alpha = 0.95
        rmsprop-centered = true
        rmsprop-epsilon-in-root = true
        optimizer-epsilon = 9.765625e-6
        momentum = 0
        gamma = 0.99
        loss = huber
        huber-delta = 1
        reward-clip = 1
        batch-size = 32
        train-frequency = 4
        gradient-steps = 1
        tau = 1
        buffer-size = 50000
        learning-starts = 1000
        target-network-frequency = 1000
        exploration-schedule = linear
        start-e = 1
        end-e = 0.1
        exploration-fraction = 0.1
        keep-best = false
     )"},

    // The paper's extended data table 1 whole. A step is 4 frames. The table counts the target's pace in parameter
    // updates; the paper's program, as here, in steps. Sticky actions came later: the paper's games have none.
    {"nature-atari", "Mnih et al. 2015 on Atari, whole: a game, its network, RMSprop and numbers", nullptr,
     R"(atari = true
        env-kwargs = {"repeat_action_probability": 0}
        noop-max = 30
        frame-skip = 4
        screen-size = 84
        terminal-on-life-loss = true
        frame-stack = 4
        observation-scale = 0.00392156862745098
        reward-clip = 1
        total-timesteps = 50000000
        network = conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu
        optimizer = rmsprop
        learning-rate = 2.5e-4
        rmsprop-alpha = 0.95
        rmsprop-centered = true
        rmsprop-epsilon-in-root = true
        optimizer-epsilon = 9.765625e-6
        gamma = 0.99
        loss = huber
        batch-size = 32
        train-frequency = 4
        buffer-size = 1000000
        learning-starts = 50000
        target-network-frequency = 10000
        start-e = 1
        end-e = 0.1
        exploration-fraction = 0.02
        eval-frequency = 250000
        eval-episodes = 10
        eval-epsilon = 0.05
        final-eval-episodes = 30
        solve-confirm-episodes = 0
        log-frequency = 10000
     )"},
};

void append(std::vector<Assignment>& assignments, const Preset& preset) {
  const std::string origin = "preset " + std::string(preset.name);
  for (const std::string& line : split_list(preset.settings, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string> parts = split_list(line, '=');
    BELLMAN_CHECK(parts.size() == 2);
    const Setting* setting = find_setting(parts[0]);
    BELLMAN_CHECK(setting != nullptr);
    assignments.push_back({setting, parts[1], origin + ": " + parts[0], origin});
  }
}

}  // namespace

std::span<const Preset> presets() { return kPresets; }

std::vector<Assignment> preset_assignments(std::string_view choice, const TrainConfig& config) {
  std::vector<Assignment> assignments;
  if (choice == "none") return assignments;
  std::vector<std::string_view> names = {"auto", "none"};
  bool known = choice == "auto";
  for (const Preset& preset : kPresets) {
    names.push_back(preset.name);
    const bool wanted = choice == "auto" ? preset.belongs && preset.belongs(config) : preset.name == choice;
    if (wanted) append(assignments, preset);
    known = known || preset.name == choice;
  }
  if (!known) fail("unknown preset \"", choice, "\"", suggestion(choice, names));
  return assignments;
}

}  // namespace bellman
