#include "rl/config/settings_table.h"

#include <algorithm>
#include <type_traits>
#include <utility>

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

// What an override does, or why it is refused.
constexpr OverrideRule kNextStep = {};
constexpr OverrideRule redo(std::string_view words) { return {OverrideKind::kDecidesAgain, words}; }
constexpr OverrideRule at_start(std::string_view words) { return {OverrideKind::kOnlyAtStart, words}; }
constexpr OverrideRule kNewTask = redo(
    "every environment starts a new episode; the best network and whether the run is solved are decided "
    "again");
constexpr OverrideRule kBestAgain = redo("the best network and whether the run is solved are decided again");
constexpr OverrideRule kSolvedAgain = redo("whether the run is solved is decided again");
constexpr OverrideRule kForgetBest = redo("the best network so far is forgotten");
constexpr OverrideRule kPriorities =
    redo("the priorities in the replay are computed again; refused when it was 0");
constexpr OverrideRule kObservations =
    at_start("the network and the replay are laid out for the observations that the run began with");
constexpr OverrideRule kRings =
    at_start("the replay has a ring for each environment that the run began with");
constexpr OverrideRule kLayout = at_start("each device lays the replay out in its own way");
constexpr OverrideRule kParameters = at_start("the parameters belong to the network that the run began with");
constexpr OverrideRule kDrawn = at_start("the parameters were drawn when the run began");
constexpr OverrideRule kMoments = at_start("the moments belong to the optimiser that the run began with");
constexpr OverrideRule kReplayLayout =
    at_start("the replay is laid out for the settings that the run began with");
constexpr OverrideRule kTargetExists = at_start("a run has a target network from its start, or never");
constexpr OverrideRule kStatistics = at_start("the running statistics must cover the whole run");
constexpr OverrideRule kScaled = at_start("the parameters are learnt for observations of that size");
constexpr OverrideRule kRewards = at_start("the replay holds rewards as they were scaled and clipped");

// Conditions of settings that do not apply to every run.

/// The environment has the option.
template <EnvOption O>
constexpr Condition env_is(std::string_view values) {
  return {"env_id", values, [](const C& c) { return has_option(c.env.id, O); }};
}
constexpr Condition kLake = env_is<EnvOption::kSlippery>("FrozenLake");
constexpr Condition kOfPython = env_is<EnvOption::kProcess>("gymnasium:ID or envpool:ID");
constexpr Condition kOfGymnasium = env_is<EnvOption::kAtari>("gymnasium:ID");
constexpr Condition kAtari = {"atari", "true", [](const C& c) { return c.env.atari; }};
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
constexpr Condition kNotNormalized = {"normalize_observation", "false",
                                      [](const C& c) { return !c.normalize_observation; }};
constexpr Condition kEvaluates = {"eval_frequency", "above 0",
                                  [](const C& c) { return c.eval_frequency > 0; }};

/// The row of a setting that applies only to runs that fulfil the conditions.
Setting only(std::vector<Condition> conditions, Setting setting) {
  setting.conditions = std::move(conditions);
  return setting;
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> rows = {
      // clang-format off
      {"env-id", "Environment", at<&E::id>, kNewTask, "which environment (`bellman envs` lists them)"},
      only({env_is<EnvOption::kMap>("FrozenLake or GridWorld")}, {"map", "Environment", at<&E::map>, kNewTask,
        "FrozenLake, GridWorld: a map file or a bundled map's name"}),
      only({env_is<EnvOption::kObservation>("a gridworld")},
       {"observation", "Environment", at<&E::observation>, kObservations,
        "gridworlds: one_hot, coordinates or planes"}),
      only({kLake}, {"slippery", "Environment", at<&E::slippery>, kNewTask,
        "FrozenLake: moves may go sideways", {}, {"is_slippery"}}),
      only({kLake, kSlippery}, {"success-rate", "Environment", at<&E::success_rate>, kNewTask,
        "FrozenLake, slippery: probability of the intended move", {0, 1}}),
      only({env_is<EnvOption::kSlip>("GridWorld or FourRooms")},
       {"slip", "Environment", at<&E::slip>, kNewTask,
        "GridWorld: probability of slipping; -1: the map's own", {-1, 1}}),
      only({env_is<EnvOption::kSuttonBartoReward>("CartPole")},
       {"sutton-barto-reward", "Environment", at<&E::sutton_barto_reward>, kNewTask,
        "CartPole: reward 0, and -1 when the pole falls"}),
      {"max-episode-steps", "Environment", at<&E::max_episode_steps>, kNewTask,
        "time limit; -1: the environment's own, 0: none", {-1, kMost}},
      {"frame-stack", "Environment", at<&E::frame_stack>, kObservations,
        "how many of the last observations the network sees at once", {1, 1024}},
      only({kOfPython}, {"env-kwargs", "Environment", at<&E::env_kwargs>, kNewTask,
        "gymnasium:ID: its arguments, NAME=VALUE,... or a JSON object"}),
      only({kOfPython}, {"python", "Environment", at<&E::python>, kNextStep,
        "gymnasium:ID: the Python that plays it"}),
      only({kOfPython}, {"env-workers", "Environment", at<&E::env_workers>, kNextStep,
        "gymnasium:ID: processes that play num_envs; 0: one a processor", {0, 1024}}),
      only({kOfPython}, {"env-timeout", "Environment", at<&E::env_timeout>, kNextStep,
        "gymnasium:ID: seconds until an answer counts as missing", {1, 1e6}}),
      only({kOfGymnasium}, {"atari", "Environment", at<&E::atari>, kObservations,
        "gymnasium:ALE/ID: as agents play Atari: noop starts, frame skip, small grey pictures"}),
      only({kAtari}, {"noop-max", "Environment", at<&E::noop_max>, kNewTask,
        "Atari: an episode begins with 1 to this many frames without action; 0: none", {0, 1e6}}),
      only({kAtari}, {"frame-skip", "Environment", at<&E::frame_skip>, kNewTask,
        "Atari: frames of an action; the maximum of the last two is seen", {1, 1000}}),
      only({kAtari}, {"screen-size", "Environment", at<&E::screen_size>, kObservations,
        "Atari: rows and columns of what is seen", {1, 160}}),
      only({kAtari}, {"terminal-on-life-loss", "Environment", at<&E::terminal_on_life_loss>, kNewTask,
        "Atari: a lost life ends an episode of training"}),

      {"seed", "Run", at<&C::seed>, kNextStep, "seed of all random numbers"},
      {"total-timesteps", "Run", at<&C::total_timesteps>, kNextStep,
        "environment steps, all environments together", {1, kMost}, {"n_timesteps"}},
      {"num-envs", "Run", at<&C::num_envs>, kRings,
        "environments that run side by side", {1, 65536}, {"n_envs"}},
      only({kOnProcessor}, {"threads", "Run", at<&C::threads>, kNextStep,
        "CPU threads; results do not depend on it", {1, 1024}}),
      {"device", "Run", at<&C::device>, kLayout,
        "where the network runs: cpu, cuda (a GPU), auto (a GPU if any), simt, reference"},
      {"learner", "Run", at<&C::learner>, kNextStep,
        "how gradient steps are computed; auto: fused on a CPU if supported, else op-by-op"},
      {"on-nan", "Run", at<&C::on_nan>, kNextStep, "for NaN or infinity: stop, or skip the step"},

      {"network", "Network", at<&C::network>, kParameters,
        "hidden layers, such as `dense 120, relu`; the head follows"},
      {"dueling", "Network", at<&C::dueling>, kParameters,
        "value and advantage in two streams (Wang et al. 2016)"},
      {"initialiser", "Network", at<&C::initialiser>, kDrawn,
        "how parameters are initialised", {}, {"initializer"}},

      {"optimizer", "Optimiser", at<&C::optimizer>, kMoments,
        "which optimiser makes the steps", {}, {"optimiser"}},
      {"learning-rate", "Optimiser", at<&C::learning_rate>, kNextStep,
        "size of the optimiser's steps", {0, 100, true}, {"lr"}},
      {"anneal-learning-rate", "Optimiser", at<&C::anneal_learning_rate>, kNextStep,
        "learning rate falls linearly to 0", {}, {"anneal_lr"}},
      only({kNotSgd}, {"optimizer-epsilon", "Optimiser", at<&C::optimizer_epsilon>, kNextStep,
        "Adam, RMSprop: keeps the divisor from 0", {0, 1, true}, {"adam_epsilon"}}),
      {"weight-decay", "Optimiser", at<&C::weight_decay>, kNextStep,
        "pull of the parameters towards 0", {0, 100}},
      only({kRmsPropOrSgd}, {"momentum", "Optimiser", at<&C::momentum>, kMoments,
        "RMSprop, SGD: share of the last step that is kept", {0, 1}}),
      only({kRmsProp}, {"rmsprop-alpha", "Optimiser", at<&C::rmsprop_alpha>, kNextStep,
        "RMSprop: share of the running means that stays in a step", {0, 1}}),
      only({kRmsProp}, {"rmsprop-centered", "Optimiser", at<&C::rmsprop_centered>, kMoments,
        "RMSprop: divide by the variance of gradients", {}, {"rmsprop_centred"}}),
      only({kRmsProp}, {"rmsprop-epsilon-in-root", "Optimiser", at<&C::rmsprop_epsilon_in_root>, kNextStep,
        "RMSprop: epsilon is added to the variance (Mnih et al. 2015)"}),
      {"max-grad-norm", "Optimiser", at<&C::max_grad_norm>, kNextStep,
        "clip gradients to this global norm; 0: never", {0, kHuge}},

      {"gamma", "Q-learning", at<&C::gamma>, kNextStep, "discount factor", {0, 1}},
      only({kTarget}, {"double", "Q-learning", at<&C::double_dqn>, kNextStep,
        "Double DQN (van Hasselt et al. 2016)", {}, {"double_dqn"}}),
      only({kSingle, kOneStep}, {"munchausen", "Q-learning", at<&C::munchausen>, kNextStep,
        "Munchausen DQN (Vieillard et al. 2020)"}),
      only({kMunchausen}, {"munchausen-alpha", "Q-learning", at<&C::munchausen_alpha>, kNextStep,
        "share of the log-policy in the target", {0, 1}}),
      only({kMunchausen}, {"munchausen-temperature", "Q-learning", at<&C::munchausen_temperature>, kNextStep,
        "temperature of the softmax policy over Q-values", {0, kHuge, true}}),
      only({kMunchausen}, {"munchausen-clip", "Q-learning", at<&C::munchausen_clip>, kNextStep,
        "lower bound of temperature times log-policy", {-kHuge, 0}}),
      {"n-step", "Q-learning", at<&C::n_step>, kReplayLayout,
        "rewards summed before bootstrapping", {1, 1024}, {"n_steps"}},
      {"loss", "Q-learning", at<&C::loss>, kNextStep, "loss of the TD error"},
      only({kHuber}, {"huber-delta", "Q-learning", at<&C::huber_delta>, kNextStep,
        "where Huber's loss becomes linear", {0, kHuge, true}}),
      {"target-network", "Q-learning", at<&C::target_network>, kTargetExists,
        "bootstrap from an older copy of the network"},
      only({kTarget}, {"tau", "Q-learning", at<&C::tau>, kNextStep,
        "share of the network that an update copies", {0, 1, true}}),
      only({kTarget}, {"target-network-frequency", "Q-learning", at<&C::target_network_frequency>, kNextStep,
        "environment steps between updates of the copy", {1, kMost}, {"target_update_interval"}}),

      {"replay", "Replay", at<&C::replay>, kReplayLayout,
        "learn from stored transitions, not only from the newest"},
      only({kReplay}, {"buffer-size", "Replay", at<&C::buffer_size>, kReplayLayout,
        "slots of the replay", {1, kMost}}),
      only({kReplay}, {"prioritized", "Replay", at<&C::prioritized>, kReplayLayout,
        "sample by TD error (Schaul et al. 2016)", {}, {"prioritised", "prioritized_replay"}}),
      only({kPrioritized}, {"per-alpha", "Replay", at<&C::per_alpha>, kPriorities,
        "how much priorities matter; 0: not at all", {0, 1}, {"prioritized_replay_alpha"}}),
      only({kPrioritized}, {"per-beta-start", "Replay", at<&C::per_beta_start>, kNextStep,
        "importance correction at the start", {0, 1}, {"prioritized_replay_beta0"}}),
      only({kPrioritized}, {"per-beta-end", "Replay", at<&C::per_beta_end>, kNextStep,
        "and at the end", {0, 1}}),
      only({kPrioritized}, {"per-epsilon", "Replay", at<&C::per_epsilon>, kNextStep,
        "floor added to |TD error|", {1e-30, kHuge}, {"prioritized_replay_eps"}}),
      only({kReplay}, {"batch-size", "Replay", at<&C::batch_size>, kNextStep,
        "transitions of a gradient step", {1, 1 << 20}}),
      only({kReplay}, {"learning-starts", "Replay", at<&C::learning_starts>, kNextStep,
        "environment steps before the first gradient step", {0, kMost}}),
      only({kReplay}, {"train-frequency", "Replay", at<&C::train_frequency>, kNextStep,
        "environment steps between training phases", {1, kMost}, {"train_freq"}}),
      only({kReplay}, {"gradient-steps", "Replay", at<&C::gradient_steps>, kNextStep,
        "gradient steps of a training phase", {1, kMost}}),

      {"exploration-schedule", "Exploration", at<&C::exploration_schedule>, kNextStep, "how epsilon falls"},
      {"start-e", "Exploration", at<&C::start_e>, kNextStep,
        "epsilon, the share of random actions, at the start", {0, 1}, {"exploration_initial_eps"}},
      {"end-e", "Exploration", at<&C::end_e>, kNextStep, "and at the end", {0, 1}, {"exploration_final_eps"}},
      only({kLinear}, {"exploration-fraction", "Exploration", at<&C::exploration_fraction>, kNextStep,
        "linear: share of the run over which it falls", {0, 1}}),
      only({kExponential}, {"exploration-decay", "Exploration", at<&C::exploration_decay>, kNextStep,
        "exponential: factor per step", {0, 1, true}}),

      {"normalize-observation", "What the network sees", at<&C::normalize_observation>, kStatistics,
        "normalise by running mean and variance", {}, {"normalise_observation"}},
      only({kNotNormalized}, {"observation-scale", "What the network sees", at<&C::observation_scale>,
        kScaled, "factor on observations; 1/255 for pictures of bytes", {0, kHuge, true}}),
      {"reward-scale", "What the network sees", at<&C::reward_scale>, kRewards,
        "factor on rewards", {0, kHuge, true}},
      {"reward-clip", "What the network sees", at<&C::reward_clip>, kRewards,
        "clip scaled rewards to +- this; 0: never", {0, kHuge}},

      {"eval-frequency", "Evaluation", at<&C::eval_frequency>, kNextStep,
        "environment steps between evaluations; 0: only at the end", {0, kMost}},
      only({kEvaluates}, {"eval-episodes", "Evaluation", at<&C::eval_episodes>, kNextStep,
        "episodes of each evaluation during training", {1, 1'000'000}}),
      {"final-eval-episodes", "Evaluation", at<&C::final_eval_episodes>, kNextStep,
        "episodes of the evaluation at the end", {1, 1'000'000}},
      {"eval-epsilon", "Evaluation", at<&C::eval_epsilon>, kBestAgain,
        "share of random actions in evaluations", {0, 1}},
      {"eval-seed", "Evaluation", at<&C::eval_seed>, kNextStep, "seed of evaluations; 0: derived from seed"},
      only({kEvaluates}, {"keep-best", "Evaluation", at<&C::keep_best>, kForgetBest,
        "keep the best evaluated model, not the last"}),
      only({kEvaluates}, {"solved-return", "Evaluation", at<&C::solved_return>, kSolvedAgain,
        "mean return that counts as solved; auto: the environment's own", {-kHuge, kHuge}, {}, "auto"}),
      only({kEvaluates},
       {"solve-confirm-episodes", "Evaluation", at<&C::solve_confirm_episodes>, kSolvedAgain,
        "fresh episodes that confirm it; 0: none", {0, 1'000'000}}),
      {"stop-when-solved", "Evaluation", at<&C::stop_when_solved>, kNextStep,
        "end the run when it is solved"},

      {"log-frequency", "Reports", at<&C::log_frequency>, kNextStep,
        "environment steps between rows of progress.csv", {1, kMost}},
      {"diagnostics", "Reports", at<&C::diagnostics>, kNextStep,
        "columns of diagnostics.csv: basic, or full, which costs more time"},

      {"checkpoint-frequency", "Checkpoints", at<&C::checkpoint_frequency>, kNextStep,
        "environment steps between checkpoints; 0: none by steps", {0, kMost}},
      {"checkpoint-seconds", "Checkpoints", at<&C::checkpoint_seconds>, kNextStep,
        "seconds between checkpoints, more if they would take over 1 % of the time; 0: none by time",
        {0, kHuge}},
      {"keep", "Checkpoints", at<&C::keep>, kNextStep, "number of newest checkpoints to keep", {1, kMost}},
      // clang-format on
  };
  return rows;
}

const Condition* missing_condition(const Setting& setting, const TrainConfig& config) {
  for (const Condition& condition : setting.conditions)
    if (!condition.holds(config)) return &condition;
  return nullptr;
}

std::string file_key(const Setting& setting) {
  std::string key(setting.key);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

}  // namespace bellman
