#include "rl/config/train_config.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "core/base/check.h"

namespace bellman {
namespace {

template <class T>
void at_least(std::string_view name, T value, T minimum) {
  if (!(value >= minimum)) fail(name, " is ", value, ", must be at least ", minimum);
}

/// Real settings are used as floats, and what is close to 0 in fused kernels as 0: a number that is not 0
/// must not become 0, a denormal or infinite on the way. Every real setting passes through here.
void representable(std::string_view name, double value) {
  constexpr double kLeast = std::numeric_limits<float>::min(), kMost = std::numeric_limits<float>::max();
  const double size = std::abs(value);
  if (size != 0 && std::isfinite(size) && !(size >= kLeast && size <= kMost))
    fail(name, " is ", value, ", of a size that no float holds: it must be from ", kLeast, " to ", kMost);
}

void between(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high)) fail(name, " is ", value, ", must be ", low, " to ", high);
  representable(name, value);
}

void finite_at_least_0(std::string_view name, double value) {
  if (!(value >= 0) || !std::isfinite(value)) fail(name, " is ", value, ", must be 0 or more, and finite");
  representable(name, value);
}

void finite_above_0(std::string_view name, double value) {
  if (!(value > 0) || !std::isfinite(value)) fail(name, " is ", value, ", must be above 0, and finite");
  representable(name, value);
}

void above_0_up_to_1(std::string_view name, double value) {
  if (!(value > 0 && value <= 1)) fail(name, " is ", value, ", must be above 0 and at most 1");
  representable(name, value);
}

/// As a float, too.
void at_least_0_below_1(std::string_view name, double value) {
  if (!(value >= 0 && static_cast<float>(value) < 1.0F))
    fail(name, " is ", value, ", must be 0 or more and below 1");
  representable(name, value);
}

void validate_environment(const TrainConfig& c) {
  representable("success_rate", c.env.success_rate);
  representable("slip", c.env.slip);
}

void validate_size(const TrainConfig& c) {
  at_least<Index>("total_timesteps", c.total_timesteps, 1);
  at_least<Index>("num_envs", c.num_envs, 1);
  at_least("threads", c.threads, 1);
}

void validate_optimizer(const TrainConfig& c) {
  finite_above_0("learning_rate", c.learning_rate);
  finite_above_0("optimizer_epsilon", c.optimizer_epsilon);
  finite_at_least_0("weight_decay", c.weight_decay);
  at_least_0_below_1("momentum", c.momentum);
  at_least_0_below_1("rmsprop_alpha", c.rmsprop_alpha);
  finite_at_least_0("max_grad_norm", c.max_grad_norm);
}

void validate_q_learning(const TrainConfig& c) {
  between("gamma", c.gamma, 0, 1);
  at_least<Index>("n_step", c.n_step, 1);
  finite_above_0("huber_delta", c.huber_delta);
  above_0_up_to_1("tau", c.tau);
  at_least<Index>("target_network_frequency", c.target_network_frequency, 1);
  between("munchausen_alpha", c.munchausen_alpha, 0, 1);
  finite_above_0("munchausen_temperature", c.munchausen_temperature);
  if (!(c.munchausen_clip <= 0 && std::isfinite(c.munchausen_clip)))
    fail("munchausen_clip is ", c.munchausen_clip, ", must be 0 or less, and finite");
  representable("munchausen_clip", c.munchausen_clip);
  if (c.munchausen && c.double_dqn)
    fail(
        "munchausen and double_dqn are true: Munchausen's targets have no action for another network to "
        "choose");
  if (c.munchausen && c.n_step > 1)
    fail("munchausen is true and n_step is ", c.n_step,
         ", must be 1: what the later actions of a return would add is not defined");
}

void validate_replay(const TrainConfig& c) {
  at_least<Index>("buffer_size", c.buffer_size, 1);
  at_least<Index>("batch_size", c.batch_size, 1);
  at_least<Index>("learning_starts", c.learning_starts, 0);
  at_least<Index>("train_frequency", c.train_frequency, 1);
  at_least<Index>("gradient_steps", c.gradient_steps, 1);
  between("per_alpha", c.per_alpha, 0, 1);
  between("per_beta_start", c.per_beta_start, 0, 1);
  between("per_beta_end", c.per_beta_end, 0, 1);
  finite_above_0("per_epsilon", c.per_epsilon);
  if (c.prioritized && !c.replay)
    fail("prioritized is true, but replay is false: there is nothing to prioritise");
}

void validate_exploration(const TrainConfig& c) {
  between("start_e", c.start_e, 0, 1);
  between("end_e", c.end_e, 0, 1);
  between("exploration_fraction", c.exploration_fraction, 0, 1);
  above_0_up_to_1("exploration_decay", c.exploration_decay);
  if (c.exploration_schedule == ExplorationSchedule::kExponential && c.end_e > c.start_e)
    fail("end_e is ", c.end_e, ", above start_e, ", c.start_e, ": an exponential schedule only falls");
}

void validate_rewards(const TrainConfig& c) {
  finite_above_0("reward_scale", c.reward_scale);
  finite_at_least_0("reward_clip", c.reward_clip);
}

void validate_evaluation(const TrainConfig& c) {
  at_least<Index>("eval_frequency", c.eval_frequency, 0);
  at_least<Index>("eval_episodes", c.eval_episodes, 1);
  at_least<Index>("final_eval_episodes", c.final_eval_episodes, 1);
  at_least<Index>("solve_confirm_episodes", c.solve_confirm_episodes, 0);
  between("eval_epsilon", c.eval_epsilon, 0, 1);
  representable("solved_return", c.solved_return);
  if (c.stop_when_solved && c.eval_frequency == 0)
    fail("stop_when_solved is true, but eval_frequency is 0: nothing would ever be seen to be solved");
  at_least<Index>("log_frequency", c.log_frequency, 1);
  at_least<Index>("checkpoint_frequency", c.checkpoint_frequency, 0);
  finite_at_least_0("checkpoint_seconds", c.checkpoint_seconds);
  at_least<Index>("keep", c.keep, 1);
}

}  // namespace

void TrainConfig::validate() const {
  validate_environment(*this);
  validate_size(*this);
  validate_optimizer(*this);
  validate_q_learning(*this);
  validate_replay(*this);
  validate_exploration(*this);
  validate_rewards(*this);
  validate_evaluation(*this);
}

}  // namespace bellman
