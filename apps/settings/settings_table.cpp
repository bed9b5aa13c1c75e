// The table itself. A new setting is a member of TrainConfig and a row here;
// tests/apps/settings/every_setting_test.cpp then wants a run that it changes.
#include <type_traits>
#include <utility>
#include <vector>

#include "apps/settings/settings.h"

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

// ---- what runs must be like for settings that do not apply to all of them

/// The environment has the option.
template <EnvOption O>
constexpr Condition env_is(std::string_view values) {
  return {"env_id", values, [](const C& c) { return has_option(c.env.id, O); }};
}
constexpr Condition kLake = env_is<EnvOption::kSlippery>("FrozenLake");
constexpr Condition kSlippery = {"slippery", "true", [](const C& c) { return c.env.slippery; }};
constexpr Condition kOnProcessor = {"device", "cpu",
                                    [](const C& c) { return c.device == "cpu" || c.device == "auto"; }};
constexpr Condition kNotSgd = {"optimizer", "adam, adamw or rmsprop",
                               [](const C& c) { return c.optimizer != OptimizerKind::kSgd; }};
constexpr Condition kRmsProp = {"optimizer", "rmsprop",
                                [](const C& c) { return c.optimizer == OptimizerKind::kRmsProp; }};
constexpr Condition kRmsPropOrSgd = {
    "optimizer", "rmsprop or sgd",
    [](const C& c) { return c.optimizer == OptimizerKind::kRmsProp || c.optimizer == OptimizerKind::kSgd; }};
constexpr Condition kHuber = {"loss", "huber", [](const C& c) { return c.loss == LossKind::kHuber; }};
constexpr Condition kTarget = {"target_network", "true", [](const C& c) { return c.target_network; }};
constexpr Condition kSingle = {"double", "false", [](const C& c) { return !c.double_dqn; }};
constexpr Condition kOneStep = {"n_step", "1", [](const C& c) { return c.n_step == 1; }};
constexpr Condition kMunchausen = {"munchausen", "true", [](const C& c) { return c.munchausen; }};
constexpr Condition kReplay = {"replay", "true", [](const C& c) { return c.replay; }};
constexpr Condition kPrioritized = {"prioritized", "true", [](const C& c) { return c.prioritized; }};
constexpr Condition kLinear = {"exploration_schedule", "linear", [](const C& c) {
                                 return c.exploration_schedule == ExplorationSchedule::kLinear;
                               }};
constexpr Condition kExponential = {"exploration_schedule", "exponential", [](const C& c) {
                                      return c.exploration_schedule == ExplorationSchedule::kExponential;
                                    }};
constexpr Condition kEvaluates = {"eval_frequency", "above 0",
                                  [](const C& c) { return c.eval_frequency > 0; }};

/// The row of a setting that applies only to runs which fulfil the conditions.
Setting only(std::vector<Condition> conditions, Setting setting) {
  setting.conditions = std::move(conditions);
  return setting;
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> rows = {
      // clang-format off
      {"env-id", "Environment", "which environment (`bellman envs` lists them)", at<&E::id>},
      only({env_is<EnvOption::kMap>("FrozenLake or GridWorld")},
       {"map", "Environment", "FrozenLake, GridWorld: a map file or a bundled map's name", at<&E::map>}),
      only({env_is<EnvOption::kObservation>("a gridworld")},
       {"observation", "Environment", "gridworlds: one_hot, coordinates or planes", at<&E::observation>}),
      only({kLake}, {"slippery", "Environment", "FrozenLake: moves may go sideways",
       at<&E::slippery>, {}, {"is_slippery"}}),
      only({kLake, kSlippery},
       {"success-rate", "Environment", "FrozenLake, slippery: probability of the intended move",
       at<&E::success_rate>, {0, 1}}),
      only({env_is<EnvOption::kSlip>("GridWorld or FourRooms")},
       {"slip", "Environment", "GridWorld: probability of slipping; -1: the map's own",
        at<&E::slip>, {-1, 1}}),
      only({env_is<EnvOption::kSuttonBartoReward>("CartPole")},
       {"sutton-barto-reward", "Environment", "CartPole: reward 0, and -1 when the pole falls",
       at<&E::sutton_barto_reward>}),
      {"max-episode-steps", "Environment", "time limit; -1: the environment's own, 0: none",
       at<&E::max_episode_steps>, {-1, kMost}},

      {"seed", "Run", "of all random numbers", at<&C::seed>},
      {"total-timesteps", "Run", "environment steps, all environments together",
       at<&C::total_timesteps>, {1, kMost}, {"n_timesteps"}},
      {"num-envs", "Run", "environments that run side by side", at<&C::num_envs>, {1, 65536}, {"n_envs"}},
      only({kOnProcessor},
       {"threads", "Run", "of the CPU; results do not depend on it", at<&C::threads>, {1, 1024}}),
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
      only({kNotSgd}, {"optimizer-epsilon", "Optimiser", "Adam, RMSprop: keeps the divisor from 0",
       at<&C::optimizer_epsilon>, {0, 1, true}, {"adam_epsilon"}}),
      {"weight-decay", "Optimiser", "pull of the parameters towards 0", at<&C::weight_decay>, {0, 100}},
      only({kRmsPropOrSgd},
       {"momentum", "Optimiser", "RMSprop, SGD: share of the last step that goes on",
       at<&C::momentum>, {0, 1}}),
      only({kRmsProp},
       {"rmsprop-alpha", "Optimiser", "RMSprop: share of the running means that stays in a step",
        at<&C::rmsprop_alpha>, {0, 1}}),
      only({kRmsProp},
       {"rmsprop-centered", "Optimiser", "RMSprop: divide by the variance of gradients",
       at<&C::rmsprop_centered>, {}, {"rmsprop_centred"}}),
      only({kRmsProp},
       {"rmsprop-epsilon-in-root", "Optimiser", "RMSprop: epsilon is added to the variance (Mnih et al. 2015)",
        at<&C::rmsprop_epsilon_in_root>}),
      {"max-grad-norm", "Optimiser", "clip gradients to this global norm; 0: never",
       at<&C::max_grad_norm>, {0, kHuge}},

      {"gamma", "Q-learning", "discount factor", at<&C::gamma>, {0, 1}},
      only({kTarget}, {"double", "Q-learning", "Double DQN (van Hasselt et al. 2016)",
       at<&C::double_dqn>, {}, {"double_dqn"}}),
      only({kSingle, kOneStep},
       {"munchausen", "Q-learning", "Munchausen DQN (Vieillard et al. 2020)", at<&C::munchausen>}),
      only({kMunchausen},
       {"munchausen-alpha", "Q-learning", "share of the log-policy in the target",
        at<&C::munchausen_alpha>, {0, 1}}),
      only({kMunchausen},
       {"munchausen-temperature", "Q-learning", "of the softmax of Q-values that is the policy",
        at<&C::munchausen_temperature>, {0, kHuge, true}}),
      only({kMunchausen},
       {"munchausen-clip", "Q-learning", "the log-policy, times the temperature, is at least this",
        at<&C::munchausen_clip>, {-kHuge, 0}}),
      {"n-step", "Q-learning", "rewards summed before bootstrapping", at<&C::n_step>, {1, 1024}, {"n_steps"}},
      {"loss", "Q-learning", "of the TD error", at<&C::loss>},
      only({kHuber}, {"huber-delta", "Q-learning", "where Huber's loss turns straight",
       at<&C::huber_delta>, {0, kHuge, true}}),
      {"target-network", "Q-learning", "bootstrap from an older copy of the network", at<&C::target_network>},
      only({kTarget},
       {"tau", "Q-learning", "share of the network that moves into its copy", at<&C::tau>, {0, 1, true}}),
      only({kTarget},
       {"target-network-frequency", "Q-learning", "environment steps between updates of the copy",
       at<&C::target_network_frequency>, {1, kMost}, {"target_update_interval"}}),

      {"replay", "Replay", "learn from a memory of transitions, not from each as it comes", at<&C::replay>},
      only({kReplay},
       {"buffer-size", "Replay", "slots of the memory", at<&C::buffer_size>, {1, kMost}}),
      only({kReplay}, {"prioritized", "Replay", "sample by TD error (Schaul et al. 2016)",
       at<&C::prioritized>, {}, {"prioritised", "prioritized_replay"}}),
      only({kPrioritized}, {"per-alpha", "Replay", "how much priorities matter; 0: not at all",
       at<&C::per_alpha>, {0, 1}, {"prioritized_replay_alpha"}}),
      only({kPrioritized}, {"per-beta-start", "Replay", "importance correction at the start",
       at<&C::per_beta_start>, {0, 1}, {"prioritized_replay_beta0"}}),
      only({kPrioritized},
       {"per-beta-end", "Replay", "and at the end", at<&C::per_beta_end>, {0, 1}}),
      only({kPrioritized},
       {"per-epsilon", "Replay", "floor added to |TD error|", at<&C::per_epsilon>, {1e-30, kHuge},
       {"prioritized_replay_eps"}}),
      only({kReplay},
       {"batch-size", "Replay", "transitions of a gradient step", at<&C::batch_size>, {1, 1 << 20}}),
      only({kReplay},
       {"learning-starts", "Replay", "environment steps before the first gradient step",
       at<&C::learning_starts>, {0, kMost}}),
      only({kReplay}, {"train-frequency", "Replay", "environment steps between training phases",
       at<&C::train_frequency>, {1, kMost}, {"train_freq"}}),
      only({kReplay},
       {"gradient-steps", "Replay", "gradient steps of a training phase",
        at<&C::gradient_steps>, {1, kMost}}),

      {"exploration-schedule", "Exploration", "how epsilon falls", at<&C::exploration_schedule>},
      {"start-e", "Exploration", "epsilon, the share of random actions, at the start",
       at<&C::start_e>, {0, 1}, {"exploration_initial_eps"}},
      {"end-e", "Exploration", "and at the end", at<&C::end_e>, {0, 1}, {"exploration_final_eps"}},
      only({kLinear},
       {"exploration-fraction", "Exploration", "linear: share of the run over which it falls",
       at<&C::exploration_fraction>, {0, 1}}),
      only({kExponential}, {"exploration-decay", "Exploration", "exponential: its factor a step",
       at<&C::exploration_decay>, {0, 1, true}}),

      {"normalize-observation", "What the network sees", "by running mean and variance",
       at<&C::normalize_observation>, {}, {"normalise_observation"}},
      {"reward-scale", "What the network sees", "factor on rewards", at<&C::reward_scale>, {0, kHuge, true}},
      {"reward-clip", "What the network sees", "then clipped to +- this; 0: never",
       at<&C::reward_clip>, {0, kHuge}},

      {"eval-frequency", "Evaluation", "environment steps between evaluations; 0: only at the end",
       at<&C::eval_frequency>, {0, kMost}},
      only({kEvaluates},
       {"eval-episodes", "Evaluation", "episodes of each", at<&C::eval_episodes>, {1, 1'000'000}}),
      {"final-eval-episodes", "Evaluation", "episodes of the one at the end",
       at<&C::final_eval_episodes>, {1, 1'000'000}},
      {"eval-epsilon", "Evaluation", "share of random actions in evaluations", at<&C::eval_epsilon>, {0, 1}},
      {"eval-seed", "Evaluation", "of evaluations; 0: follows from seed", at<&C::eval_seed>},
      only({kEvaluates},
       {"keep-best", "Evaluation", "keep the best evaluated model, not the last", at<&C::keep_best>}),
      only({kEvaluates},
       {"solved-return", "Evaluation", "mean return that counts as solved; auto: the environment's own",
       at<&C::solved_return>, {-kHuge, kHuge}, {}, "auto"}),
      only({kEvaluates},
       {"solve-confirm-episodes", "Evaluation", "fresh episodes that confirm it; 0: none",
       at<&C::solve_confirm_episodes>, {0, 1'000'000}}),
      {"stop-when-solved", "Evaluation", "end the run then", at<&C::stop_when_solved>},

      {"log-frequency", "Reports", "environment steps between rows of progress.csv",
       at<&C::log_frequency>, {1, kMost}},

      {"checkpoint-frequency", "Checkpoints", "environment steps between two; 0: none by steps",
       at<&C::checkpoint_frequency>, {0, kMost}},
      {"checkpoint-seconds", "Checkpoints",
       "seconds between two, more where they would cost over 1 % of the time; 0: none by time",
       at<&C::checkpoint_seconds>, {0, kHuge}},
      {"keep", "Checkpoints", "how many stay, the newest", at<&C::keep>, {1, kMost}},
      // clang-format on
  };
  return rows;
}

}  // namespace bellman
