#include "envs/control/continuous_env.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "envs/control/continuous_batch.h"
#include "envs/control/continuous_step.h"

namespace bellman {
namespace {

template <int number>
class ContinuousEnvOf final : public ContinuousEnv {
  using Task = ContinuousTask<number>;
  static constexpr int kState = kStateSize<Task>;

 public:
  ContinuousEnvOf(EnvSpec spec, StepRewards rewards)
      : ContinuousEnv(std::move(spec), number, kState, rewards, Task::kObservation) {}

  void observe(std::span<float> out) const override { write_observation<Task>(out.data(), s_); }

  std::unique_ptr<BatchEnv> batch(Index copies, const RandomStream& first) const override {
    return std::make_unique<ContinuousBatch<Task>>(std::make_unique<ContinuousEnvOf>(spec(), rewards()),
                                                   rewards(), copies, first);
  }

 private:
  void start(const RandomStream& stream, std::uint64_t draw) override {
    s_ = initial_state<Task>(stream, draw);
  }

  Transition advance(int action, const RandomStream& /*stream*/, std::uint64_t /*draw*/) override {
    s_ = Task::step(s_, static_cast<double>(action));
    const bool terminated = Task::terminated(s_);
    return {rewards().of(terminated), terminated};
  }

  void write_physical(std::span<double> out) const override { std::copy_n(s_.at, kState, out.begin()); }
  void read_physical(std::span<const double> values) override { s_ = to_state(values); }
  bool is_terminal(std::span<const double> values) const override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const StateNumber& number_of_state = Task::kState[i];
      const double value = values[i];
      if (!std::isfinite(value))
        fail(spec().id, ": ", number_of_state.name, " is ", value, ", must be finite");
      if (value < number_of_state.least || value > number_of_state.most)
        fail(spec().id, ": ", number_of_state.name, " is ", value, ", must be from ", number_of_state.least,
             " to ", number_of_state.most);
    }
    return Task::terminated(to_state(values));
  }

  static Numbers<double, kState> to_state(std::span<const double> values) {
    Numbers<double, kState> s;
    std::copy_n(values.begin(), kState, s.at);
    return s;
  }

  Numbers<double, kState> s_{};
};

/// Sets the bounds of an episode's return, over tasks that end at the first step, at the last, or never.
std::pair<double, double> returns_between(const StepRewards& rewards, Index max_episode_steps) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto steps = static_cast<double>(max_episode_steps);
  double endless = rewards.going_on > 0 ? kInfinity : rewards.going_on < 0 ? -kInfinity : 0;
  double latest = endless;
  if (max_episode_steps > 0) {
    endless = steps * rewards.going_on;
    latest = (steps - 1) * rewards.going_on + rewards.ending;
  }
  return std::minmax({rewards.ending, endless, latest});
}

template <class Task>
StepRewards rewards_of(const EnvOptions& options) {
  if constexpr (requires { Task::kSuttonBartoRewards; })
    if (options.sutton_barto_reward) return Task::kSuttonBartoRewards;
  return Task::kRewards;
}

template <int number, std::size_t variant>
EnvFactory factory(const EnvOptions& options) {
  using Task = ContinuousTask<number>;
  constexpr const TaskVariant& kVariant = Task::kVariants[variant];
  const StepRewards rewards = rewards_of<Task>(options);
  EnvSpec spec;
  spec.id = kVariant.id;
  spec.observation_shape = {kObservationSize<Task>};
  spec.num_actions = kNumActions<Task>;
  spec.max_episode_steps = options.limit_or(kVariant.max_episode_steps);
  spec.reward_threshold = kVariant.reward_threshold;
  spec.action_names.assign(std::begin(Task::kActions), std::end(Task::kActions));
  std::tie(spec.lowest_return, spec.highest_return) = returns_between(rewards, spec.max_episode_steps);
  return [spec, rewards] { return std::make_unique<ContinuousEnvOf<number>>(spec, rewards); };
}

template <int number, std::size_t... variants>
void add_entries(std::vector<ContinuousEntry>& entries, std::index_sequence<variants...>) {
  using Task = ContinuousTask<number>;
  constexpr bool kHasSuttonBarto = requires { Task::kSuttonBartoRewards; };
  (entries.push_back({{Task::kVariants[variants].id, Task::kVariants[variants].summary},
                      kHasSuttonBarto,
                      factory<number, variants>}),
   ...);
}

template <int... numbers>
std::vector<ContinuousEntry> entries_of(std::integer_sequence<int, numbers...>) {
  std::vector<ContinuousEntry> entries;
  (add_entries<numbers>(entries, std::make_index_sequence<std::size(ContinuousTask<numbers>::kVariants)>()),
   ...);
  return entries;
}

}  // namespace

const ContinuousEnv* as_continuous(const Env& env) { return dynamic_cast<const ContinuousEnv*>(&env); }

std::span<const ContinuousEntry> continuous_entries() {
  static const std::vector<ContinuousEntry> entries =
      entries_of(std::make_integer_sequence<int, kContinuousTasks>());
  return entries;
}

}  // namespace bellman
