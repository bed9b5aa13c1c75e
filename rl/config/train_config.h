// Every setting of a training run. Names are CleanRL's where CleanRL has one.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "core/nn/initialisers.h"
#include "core/ops/backend.h"
#include "envs/env.h"

namespace bellman {

enum class ExplorationSchedule { kLinear, kExponential };
/// fused: rl/learn/fused_cpu_learner.h; op by op: rl/learn/op_by_op_learner.h; auto: the fused one where it can be had.
enum class LearnerKind { kAuto, kFused, kOpByOp };
/// What becomes of a run at a number that is NaN or infinite (docs/decisions/0008). kStop: the run ends, and
/// says where. kSkip: the gradient update, or the environment's step, is skipped and counted.
enum class OnNan { kStop, kSkip };
/// How much diagnostics.csv holds (rl/train/recorder.h). kBasic: what costs next to nothing beside the step that a row
/// measures. kFull: also what takes passes and decompositions of its own.
enum class Diagnostics { kBasic, kFull };
enum class OptimizerKind { kAdam, kAdamW, kRmsProp, kSgd };

struct TrainConfig : DqnOptions {
  EnvOptions env;
  std::uint64_t seed = 1;
  Index total_timesteps = 500'000;  // environment steps, all environments together; rounded up to num_envs
  Index num_envs = 1;
  int threads = 1;
  std::string device = "cpu";
  LearnerKind learner = LearnerKind::kAuto;

  // network
  std::string network = "dense 120, relu, dense 84, relu";  // the torso; the head follows from the actions
  bool dueling = false;
  Initialiser initialiser = Initialiser::kPytorch;

  // optimiser
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 2.5e-4;
  bool anneal_learning_rate = false;  // linear to 0 over total_timesteps
  double optimizer_epsilon = 1e-8;    // Adam, AdamW, RMSprop
  double weight_decay = 0;
  double momentum = 0;  // RMSprop, SGD
  double rmsprop_alpha = 0.99;
  bool rmsprop_centered = false;
  bool rmsprop_epsilon_in_root = false;  // as Mnih et al. 2015

  // Q-learning
  double gamma = 0.99;
  Index n_step = 1;
  double tau = 1.0;
  Index target_network_frequency = 500;  // environment steps between target updates

  // replay
  // replay = false: every round of num_envs steps is learnt from once, as it comes; buffer_size, batch_size,
  // learning_starts, train_frequency and gradient_steps then mean nothing.
  bool replay = true;
  Index buffer_size = 10'000;  // slots: one a step, one more an episode's end
  bool prioritized = false;
  double per_alpha = 0.6;
  double per_beta_start = 0.4, per_beta_end = 1.0;  // linear over total_timesteps
  double per_epsilon = 1e-6;                        // floor added to |td_error|
  Index batch_size = 128;
  Index learning_starts = 10'000;  // environment steps
  Index train_frequency = 10;      // environment steps between training phases
  Index gradient_steps = 1;        // learn steps a training phase

  // exploration
  ExplorationSchedule exploration_schedule = ExplorationSchedule::kLinear;
  double start_e = 1.0, end_e = 0.05;
  double exploration_fraction = 0.5;  // linear: of total_timesteps
  double exploration_decay = 0.9995;  // exponential: factor a step, floor end_e

  // what the network sees
  bool normalize_observation = false;
  double observation_scale = 1;  // factor on every number of an observation, as the network sees it
  double reward_scale = 1.0;
  double reward_clip = 0;  // 0: none; r is clipped to +-reward_clip after scaling

  // evaluation
  Index eval_frequency = 10'000;  // environment steps; 0: only at the end
  Index eval_episodes = 10;       // of each evaluation during training, fresh ones every time
  Index final_eval_episodes = 100;
  double eval_epsilon = 0;
  std::uint64_t eval_seed = 0;     // 0: derived from seed
  Index checkpoint_frequency = 0;  // environment steps between two checkpoints; 0: only at the end
  double checkpoint_seconds = 60;  // between two by time, more where they would cost over 1 %; 0: none
  Index keep = 2;                  // checkpoints that stay
  bool keep_best = true;           // the model that is kept is the best evaluated one, not the last
  double solved_return = std::numeric_limits<double>::quiet_NaN();  // NaN: the environment's own threshold
  Index solve_confirm_episodes = 100;  // fresh episodes that must confirm a reached solved_return; 0: none
  bool stop_when_solved = false;       // stop once the environment counts as solved

  OnNan on_nan = OnNan::kStop;  // a number of an environment or a learn step is NaN or infinite

  // reports
  Index log_frequency = 1'000;  // environment steps between rows of scalars
  Diagnostics diagnostics = Diagnostics::kBasic;

  /// Throws: Error that names the first setting which is out of range or contradicts another, and its value.
  void validate() const;
};

}  // namespace bellman
