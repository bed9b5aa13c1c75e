#include "rl/train/settings_change.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/numeric.h"
#include "envs/episode_env.h"
#include "rl/state/training_state.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// The tensor's elements. Throws: Error when no tensor has that name and type.
template <class T>
std::span<T> elements_of(TensorFile& state, const std::string& name) {
  for (FileTensor& tensor : state.tensors)
    if (tensor.name == name && tensor.dtype == dtype_of<T>())
      return {reinterpret_cast<T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T)};
  fail("the saved state has no tensor ", name);
}

template <class T>
void fill(TensorFile& state, const std::string& name, T value) {
  std::ranges::fill(elements_of<T>(state, name), value);
}

void resize(TensorFile& state, const std::string& name, std::size_t elements) {
  for (FileTensor& tensor : state.tensors) {
    if (tensor.name != name) continue;
    tensor.shape = {elements};
    tensor.bytes.assign(elements * dtype_size(tensor.dtype), std::byte{});
  }
}

void forget_best(TensorFile& state) {
  fill<Index>(state, "kept.timestep", 0);
  fill(state, "kept.eval_mean", std::numeric_limits<double>::quiet_NaN());
  resize(state, "kept.parameters", 0);
  resize(state, "kept.mean", 0);
  resize(state, "kept.variance", 0);
}

void forget_solving(TensorFile& state) {
  fill<Index>(state, "trainer.solved_at_timestep", -1);
  fill(state, "time.to_solve", 0.0);
}

/// Each of the run's environments is before its first episode of the new task. Its random numbers continue from
/// where they were.
void begin_episodes(TensorFile& state, const TrainConfig& from, const TrainConfig& to) {
  const std::unique_ptr<Env> before = make_env(from.env), after = make_env(to.env);
  const EnvSpec &old_spec = before->spec(), &spec = after->spec();
  if (spec.observation_shape != old_spec.observation_shape || spec.num_actions != old_spec.num_actions)
    fail("the environment has observations ", spec.observation_shape, " and ", spec.num_actions,
         " actions, that of the run ", old_spec.observation_shape, " and ", old_spec.num_actions,
         ": its network and its replay are made for these");
  for (Index e = 0; e < to.num_envs; ++e) {
    const std::string name = "env." + std::to_string(e);
    const std::vector<double> fresh = unstarted_state(*after, elements_of<double>(state, name));
    resize(state, name, fresh.size());
    std::ranges::copy(fresh, elements_of<double>(state, name).begin());
  }
  fill(state, "envs.observations", 0.0F);
  fill(state, "envs.returns", 0.0);
  fill<Index>(state, "envs.lengths", 0);
  fill<Index>(state, "trainer.episodes_are_due", 1);
}

/// x^a, the same bits on every machine; `a` may be above 1, where deterministic_pow() ends.
double power(double x, double a) {
  const double parts = std::max(1.0, std::ceil(a));
  double result = 1, factor = deterministic_pow(x, a / parts);
  for (auto n = static_cast<std::uint64_t>(parts); n > 0; n /= 2, factor *= factor)
    if (n % 2 == 1) result *= factor;
  return result;
}

/// The leaves of the sum tree are p^alpha. Values that no sampler can have stay: Trainer::load refuses them.
void change_alpha(TensorFile& state, double from, double to) {
  constexpr double kLeastAlpha = 1e-3;  // below, p^alpha has too few digits to recover p
  if (from < kLeastAlpha)
    fail("per_alpha was ", from, ": so close to 0 all priorities count alike, and none is known that ", to,
         " could be applied to");
  const auto is_possible = [](double x) { return x >= 1e-300 && x <= 1e300; };
  double largest = std::numeric_limits<double>::max();
  for (const double priority : elements_of<double>(state, "sampler.max_priority"))
    if (is_possible(priority)) largest = deterministic_pow(priority, to);
  for (double& weight : elements_of<double>(state, "sampler.weights"))
    if (is_possible(weight)) weight = std::min(power(weight, to / from), largest);
}

}  // namespace

void change_settings(TensorFile& state, const TrainConfig& from, const TrainConfig& to) {
  const bool other_task = !is_same_task(from.env, to.env);
  const bool other_measure = other_task || from.eval_epsilon != to.eval_epsilon;
  if (other_measure || from.keep_best != to.keep_best) forget_best(state);
  if (other_measure || !same(from.solved_return, to.solved_return) ||
      from.solve_confirm_episodes != to.solve_confirm_episodes)
    forget_solving(state);
  if (other_task) begin_episodes(state, from, to);
  if (from.per_alpha != to.per_alpha && from.prioritized) change_alpha(state, from.per_alpha, to.per_alpha);
}

}  // namespace bellman
