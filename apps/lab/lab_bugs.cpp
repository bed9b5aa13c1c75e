#include "apps/lab/lab_bugs.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr LabBug kBugs[] = {
    {"no-done-mask", Fault::kNoDoneMask,
     "The target bootstraps from s' even where the task ended: y = r + gamma max Q(s') for every transition.",
     "With +1 a step, Q = 1 / (1 - gamma) satisfies the wrong equation everywhere, so falling over costs "
     "nothing. Watch the mean Q-value climb past what any episode returns.",
     "core_reference_tests", "Only terminated*"},
    {"truncation-as-termination", Fault::kTruncationAsTermination,
     "A time limit is stored as the end of the task, so nothing is bootstrapped there.",
     "States near the limit look worthless although the pole still stands. The curve may look almost right: "
     "compare what the environment says with its definition.",
     "rl_trainer_tests", "truncation is not termination: the real final*"},
    {"no-target-network", Fault::kNoTargetNetwork,
     "The target is read from the network that is being trained.",
     "Every step moves its own target. Watch mean Q and the loss for feedback; on easy tasks it may go well.",
     "rl_trainer_tests", "Double DQN: arg max*"},
    {"target-chosen-by-the-wrong-network", Fault::kWrongChooser,
     "Double DQN with its networks exchanged: theta- chooses the action, theta says what it is worth.",
     "The return hardly shows it. Only a comparison with the definition does: y differs.",
     "core_reference_tests", "Double DQN*"},
    {"dense-dw-transposed", Fault::kTransposedDenseGradient,
     "The gradient of a dense layer's weights is written in the order (I,O) instead of (O,I).",
     "Shapes still fit, and some learning may happen. A finite difference disagrees at once.",
     "core_reference_tests", "dense: finite differences*"},
    {"conv-dx-not-flipped", Fault::kUnflippedConvolution,
     "A convolution's input gradient uses the kernel as it is instead of turned by 180 degrees.",
     "Only layers before another convolution are hurt, so one convolution alone hides it. The gradient check "
     "names the layer.",
     "core_reference_tests", "conv2d: finite differences*"},
    {"bias-gradient-not-summed", Fault::kUnsummedBiasGradient,
     "The gradient of a bias is that of the batch's last transition instead of the sum over all.",
     "Biases learn from noise. The return may stay fine: the weights make up for it.", "core_reference_tests",
     "dense: finite differences*"},
    {"missing-importance-weights", Fault::kNoImportanceWeights,
     "Prioritised draws are not corrected: every transition counts 1.",
     "What is drawn often now counts too much, and Q is biased towards rare outcomes. The policy hardly "
     "minds: compare Q with Q*.",
     "core_reference_tests", "td_loss by hand*"},
    {"stale-priorities", Fault::kStalePriorities,
     "The replay gets the same error back for every transition, so priorities never change after the first "
     "draw.",
     "Learning goes on as with uniform draws, and a batch's mean Q-value is theirs. Compare a priority with "
     "|delta| after the step.",
     "rl_trainer_tests", "priorities: TD errors reach*"},
    {"adam-without-bias-correction", Fault::kNoBiasCorrection,
     "Adam's m and v are used without dividing by 1 - beta^t.",
     "Step t is (1 - beta1^t) / sqrt(1 - beta2^t) times as large as it should be: 3.2 times at first, 6.6 "
     "times "
     "at the twelfth step, 1.26 after a thousand. Look at the beginning.",
     "core_reference_tests", "adam_step: 1 000 steps*"},
    {"relu-gradient-at-negative", Fault::kReluGradientAtNegative,
     "relu's backward pass lets the gradient through where x is negative, too.",
     "Dead units get gradients that change nothing they should. The gradient check disagrees at once.",
     "core_reference_tests", "relu: the derivative at 0*"},
    {"next-episodes-observation-as-s-prime", Fault::kNextEpisodesObservation,
     "The last transition of an episode stores the next episode's first observation as s'.",
     "A vector environment that resets itself hands this out. Where the task terminated it is masked; where "
     "it was truncated, Q is bootstrapped from a state that never followed.",
     "rl_trainer_tests", "truncation is not termination: the real final*"},
};

/// CartPole, small enough for the definitions' plain loops.
TrainConfig cart_pole() {
  TrainConfig config;
  config.env.id = "CartPole-v1";
  config.network = "dense 32, relu, dense 32, relu";
  config.total_timesteps = 12'000;
  config.learning_rate = 1e-3;
  config.buffer_size = 5'000;
  config.batch_size = 32;
  config.learning_starts = 500;
  config.train_frequency = 4;
  config.target_network_frequency = 250;
  config.exploration_fraction = 0.3;
  config.eval_frequency = 1'000;
  config.solve_confirm_episodes = 0;
  config.final_eval_episodes = 10;
  return config;
}

/// A gridworld whose exact values are known: eleven cells in which moves slip, so that rare outcomes matter. Much
/// exploration and a learning rate that falls to 0 bring Q close to Q* in all of them.
TrainConfig gridworld() {
  TrainConfig config = cart_pole();
  config.env.id = "GridWorld-v0";
  config.env.map = "russell_norvig";
  config.network = "dense 32, relu";
  config.total_timesteps = config.buffer_size = 20'000;
  config.train_frequency = 1;
  config.anneal_learning_rate = true;
  config.exploration_fraction = 0.5;
  config.end_e = 0.3;
  config.final_eval_episodes = 100;
  return config;
}

}  // namespace

std::span<const LabBug> lab_bugs() { return kBugs; }

const LabBug& find_bug(std::string_view name) {
  std::vector<std::string_view> names;
  for (const LabBug& bug : kBugs) {
    if (bug.name == name) return bug;
    names.push_back(bug.name);
  }
  fail("unknown bug \"", printable(name), "\"", suggestion(name, names));
}

TrainConfig lab_config(const LabBug& bug) {
  TrainConfig config = cart_pole();
  switch (bug.fault) {
    case Fault::kTruncationAsTermination:
    case Fault::kNextEpisodesObservation:
      config.env.max_episode_steps = 50;  // so that most episodes end by it
      break;
    case Fault::kWrongChooser:
      config.double_dqn = true;
      break;
    case Fault::kUnflippedConvolution:
      config = gridworld();
      config.env.observation = "planes";
      config.network = "conv 4 3x3 padding 1, relu, conv 4 3x3 padding 1, relu, flatten, dense 32, relu";
      config.total_timesteps = 10'000;
      config.train_frequency = 4;
      break;
    case Fault::kNoImportanceWeights:
    case Fault::kStalePriorities:
      config = gridworld();
      config.prioritized = true;
      config.per_alpha = config.per_beta_start = 1;  // what the correction does shows most where it is whole
      break;
    default:
      break;
  }
  return config;
}

}  // namespace bellman
