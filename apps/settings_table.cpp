// The table itself. A new setting is a member of TrainConfig and a row here, and nothing else.
#include <type_traits>
#include <vector>

#include "apps/settings.h"

namespace bellman {
namespace {

/// The member M of the TrainConfig, or of the EnvOptions in it.
template <auto M>
SettingPlace at(TrainConfig& config) {
  if constexpr (std::is_invocable_v<decltype(M), EnvOptions&>) {
    return &(config.env.*M);
  } else {
    return &(config.*M);
  }
}

using C = TrainConfig;
using E = EnvOptions;

constexpr double kMost = 1e12;  // no count is near it, and sums of such counts stay exact
constexpr double kHuge = 1e30;  // beyond every sensible real number, and float can hold it

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> rows = {
      // clang-format off
      {"env-id", "Environment", "which environment (`bellman envs` lists them)", at<&E::id>},
      {"map", "Environment", "FrozenLake, GridWorld: a map file or a bundled map's name", at<&E::map>},
      {"observation", "Environment", "gridworlds: one_hot, coordinates or planes", at<&E::observation>},
      {"slippery", "Environment", "FrozenLake: moves may go sideways",
       at<&E::slippery>, {}, {"is_slippery"}},
      {"success-rate", "Environment", "FrozenLake, slippery: probability of the intended move",
       at<&E::success_rate>, {0, 1}},
      {"slip", "Environment", "GridWorld: probability of slipping; -1: the map's own", at<&E::slip>, {-1, 1}},
      {"sutton-barto-reward", "Environment", "CartPole: reward 0, and -1 when the pole falls",
       at<&E::sutton_barto_reward>},
      {"max-episode-steps", "Environment", "time limit; -1: the environment's own, 0: none",
       at<&E::max_episode_steps>, {-1, kMost}},

      {"seed", "Run", "of all random numbers", at<&C::seed>},
      {"total-timesteps", "Run", "environment steps, all environments together",
       at<&C::total_timesteps>, {1, kMost}, {"n_timesteps"}},
      {"num-envs", "Run", "environments that run side by side", at<&C::num_envs>, {1, 65536}, {"n_envs"}},
      {"threads", "Run", "of the CPU; results do not depend on it", at<&C::threads>, {1, 1024}},
      {"device", "Run", "where the network runs: cpu, cuda (a GPU), auto (a GPU if any), simt, reference", at<&C::device>},
      {"learner", "Run", "what makes gradient steps; auto: fused on a CPU where it can, else op-by-op", at<&C::learner>},
      {"on-nan", "Run", "a number is NaN or infinite: stop, or skip the step it is of", at<&C::on_nan>},

      {"network", "Network", "hidden layers, such as `dense 120, relu`; the head follows", at<&C::network>},
      {"dueling", "Network", "value and advantage in two streams (Wang et al. 2016)", at<&C::dueling>},
      {"initialiser", "Network", "what parameters start from",
       at<&C::initialiser>, {}, {"initializer"}},

      {"optimizer", "Optimiser", "what turns gradients into steps",
       at<&C::optimizer>, {}, {"optimiser"}},
      {"learning-rate", "Optimiser", "size of the optimiser's steps",
       at<&C::learning_rate>, {0, 100, true}, {"lr"}},
      {"anneal-learning-rate", "Optimiser", "learning rate falls linearly to 0",
       at<&C::anneal_learning_rate>, {}, {"anneal_lr"}},
      {"adam-epsilon", "Optimiser", "added to the root of Adam's and RMSprop's second moment",
       at<&C::adam_epsilon>, {0, 1, true}},
      {"weight-decay", "Optimiser", "pull of the parameters towards 0", at<&C::weight_decay>, {0, 100}},
      {"momentum", "Optimiser", "RMSprop, SGD: share of the last step that goes on",
       at<&C::momentum>, {0, 1}},
      {"rmsprop-centered", "Optimiser", "RMSprop: divide by the variance of gradients",
       at<&C::rmsprop_centered>, {}, {"rmsprop_centred"}},
      {"max-grad-norm", "Optimiser", "clip gradients to this global norm; 0: never",
       at<&C::max_grad_norm>, {0, kHuge}},

      {"gamma", "Q-learning", "discount factor", at<&C::gamma>, {0, 1}},
      {"double", "Q-learning", "Double DQN (van Hasselt et al. 2016)",
       at<&C::double_dqn>, {}, {"double_dqn"}},
      {"n-step", "Q-learning", "rewards summed before bootstrapping", at<&C::n_step>, {1, 1024}, {"n_steps"}},
      {"loss", "Q-learning", "of the TD error", at<&C::loss>},
      {"huber-delta", "Q-learning", "where Huber's loss turns straight",
       at<&C::huber_delta>, {0, kHuge, true}},
      {"target-network", "Q-learning", "bootstrap from an older copy of the network", at<&C::target_network>},
      {"tau", "Q-learning", "share of the network that moves into its copy", at<&C::tau>, {0, 1, true}},
      {"target-network-frequency", "Q-learning", "environment steps between updates of the copy",
       at<&C::target_network_frequency>, {1, kMost}, {"target_update_interval"}},

      {"replay", "Replay", "learn from a memory of transitions, not from each as it comes", at<&C::replay>},
      {"buffer-size", "Replay", "slots of the memory", at<&C::buffer_size>, {1, kMost}},
      {"replay-uint8", "Replay", "store observations as bytes (whole numbers 0..255)", at<&C::replay_uint8>},
      {"prioritized", "Replay", "sample by TD error (Schaul et al. 2016)",
       at<&C::prioritized>, {}, {"prioritised", "prioritized_replay"}},
      {"per-alpha", "Replay", "how much priorities matter; 0: not at all",
       at<&C::per_alpha>, {0, 1}, {"prioritized_replay_alpha"}},
      {"per-beta-start", "Replay", "importance correction at the start",
       at<&C::per_beta_start>, {0, 1}, {"prioritized_replay_beta0"}},
      {"per-beta-end", "Replay", "and at the end", at<&C::per_beta_end>, {0, 1}},
      {"per-epsilon", "Replay", "floor added to |TD error|", at<&C::per_epsilon>, {0, kHuge, true},
       {"prioritized_replay_eps"}},
      {"batch-size", "Replay", "transitions of a gradient step", at<&C::batch_size>, {1, 1 << 20}},
      {"learning-starts", "Replay", "environment steps before the first gradient step",
       at<&C::learning_starts>, {0, kMost}},
      {"train-frequency", "Replay", "environment steps between training phases",
       at<&C::train_frequency>, {1, kMost}, {"train_freq"}},
      {"gradient-steps", "Replay", "gradient steps of a training phase", at<&C::gradient_steps>, {1, kMost}},

      {"exploration-schedule", "Exploration", "how epsilon falls", at<&C::exploration_schedule>},
      {"start-e", "Exploration", "epsilon, the share of random actions, at the start",
       at<&C::start_e>, {0, 1}, {"exploration_initial_eps"}},
      {"end-e", "Exploration", "and at the end", at<&C::end_e>, {0, 1}, {"exploration_final_eps"}},
      {"exploration-fraction", "Exploration", "linear: share of the run over which it falls",
       at<&C::exploration_fraction>, {0, 1}},
      {"exploration-decay", "Exploration", "exponential: its factor a step",
       at<&C::exploration_decay>, {0, 1, true}},

      {"normalize-observation", "What the network sees", "by running mean and variance",
       at<&C::normalize_observation>, {}, {"normalise_observation"}},
      {"reward-scale", "What the network sees", "factor on rewards", at<&C::reward_scale>, {0, kHuge, true}},
      {"reward-clip", "What the network sees", "then clipped to +- this; 0: never",
       at<&C::reward_clip>, {0, kHuge}},

      {"eval-frequency", "Evaluation", "environment steps between evaluations; 0: only at the end",
       at<&C::eval_frequency>, {0, kMost}},
      {"eval-episodes", "Evaluation", "episodes of each", at<&C::eval_episodes>, {1, 1'000'000}},
      {"final-eval-episodes", "Evaluation", "episodes of the one at the end",
       at<&C::final_eval_episodes>, {1, 1'000'000}},
      {"eval-epsilon", "Evaluation", "share of random actions in evaluations", at<&C::eval_epsilon>, {0, 1}},
      {"eval-seed", "Evaluation", "of evaluations; 0: follows from seed", at<&C::eval_seed>},
      {"keep-best", "Evaluation", "keep the best evaluated model, not the last", at<&C::keep_best>},
      {"solved-return", "Evaluation", "mean return that counts as solved; auto: the environment's own",
       at<&C::solved_return>, {-kHuge, kHuge}, {}, "auto"},
      {"solve-confirm-episodes", "Evaluation", "fresh episodes that confirm it; 0: none",
       at<&C::solve_confirm_episodes>, {0, 1'000'000}},
      {"stop-when-solved", "Evaluation", "end the run then", at<&C::stop_when_solved>},

      {"log-frequency", "Reports", "environment steps between rows of progress.csv",
       at<&C::log_frequency>, {1, kMost}},

      {"checkpoint-frequency", "Checkpoints", "environment steps between two; 0: only when the run ends",
       at<&C::checkpoint_frequency>, {0, kMost}},
      {"keep", "Checkpoints", "how many stay, the newest", at<&C::keep>, {1, kMost}},
      // clang-format on
  };
  return rows;
}

}  // namespace bellman
