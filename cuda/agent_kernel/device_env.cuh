// The environments of an agent in the kernel, by the step functions that the CPU uses (envs/*_step.h). A
// state is kStateNumbers doubles: those of a task of envs/control/continuous_step.h, or a table's cell; the
// rest are unused.
#pragma once

#include <cstdint>

#include "core/base/rng.h"
#include "core/nn/agent_kernel.h"
#include "cuda/base/rounded_double.h"
#include "envs/control/continuous_step.h"
#include "envs/grid/tabular_step.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The length of the longest state of a task.
template <int number = 0>
constexpr int most_state_numbers() {
  if constexpr (number == kContinuousTasks) {
    return 1;
  } else {
    constexpr int rest = most_state_numbers<number + 1>(), own = kStateSize<ContinuousTask<number>>;
    return own > rest ? own : rest;
  }
}
inline constexpr int kStateNumbers = most_state_numbers();

/// AgentEnv with its arrays in the device's memory.
struct DeviceEnv {
  int inputs, actions;
  Index max_episode_steps, eval_episode_steps;
  int task;  // number in ContinuousTasks; kContinuousTasks: the table's
  StepRewards rewards;
  TabularTable table;
  const std::int32_t* start_states;
  const double* start_probabilities;
  int starts;
  const float* observations;  // (states, inputs)

  /// Writes the first state of an episode.
  __device__ void reset(double* state, const RandomStream& stream, std::uint64_t draw) const {
    const bool continuous = with_task(
        [&](auto of) { put<decltype(of)>(state, initial_state<decltype(of), RoundedDouble>(stream, draw)); });
    if (continuous) return;
    const RandomWords words = random_words(stream, draw);
    state[0] = start_of(uniform_double(words[0], words[1]));
  }

  struct Outcome {
    float reward;
    bool terminated;
  };
  /// Advances the state.
  __device__ Outcome step(double* state, int action, const RandomStream& stream, std::uint64_t draw) const {
    Outcome made = {};
    const bool continuous = with_task([&](auto of) {
      using Task = decltype(of);
      const auto s = Task::step(get<Task>(state), RoundedDouble(action));
      put<Task>(state, s);
      made.terminated = Task::terminated(s);
      made.reward = static_cast<float>(rewards.of(made.terminated));
    });
    if (continuous) return made;
    const RandomWords words = random_words(stream, draw);
    const auto& outcome =
        tabular_step(table, static_cast<std::int32_t>(state[0]), action, uniform_double(words[0], words[1]));
    state[0] = outcome.next;
    return {static_cast<float>(outcome.reward), outcome.terminated};
  }

  /// Element i of the observation.
  __device__ float observed(const double* state, int i) const {
    float seen = 0;
    const bool continuous = with_task([&](auto of) {
      using Task = decltype(of);
      seen = static_cast<float>(Task::template observed<RoundedDouble>(InPlace{{state}}, i).value);
    });
    return continuous ? seen : observations[static_cast<Index>(state[0]) * inputs + i];
  }

 private:
  /// A state read in place: in a copy, an index unknown at compile time would force local memory.
  struct InPlace {
    struct At {
      const double* state;
      __device__ RoundedDouble operator[](int k) const { return state[k]; }
    } at;
  };

  /// Calls visit with an object of the task's type; false for the table.
  template <int number = 0, class Visit>
  __device__ bool with_task(const Visit& visit) const {
    if constexpr (number < kContinuousTasks) {
      if (task != number) return with_task<number + 1>(visit);
      visit(ContinuousTask<number>());
      return true;
    }
    return false;
  }

  template <class Task>
  static __device__ Numbers<RoundedDouble, kStateSize<Task>> get(const double* state) {
    Numbers<RoundedDouble, kStateSize<Task>> s;
    for (int k = 0; k < kStateSize<Task>; ++k) s.at[k] = state[k];
    return s;
  }
  template <class Task>
  static __device__ void put(double* state, const Numbers<RoundedDouble, kStateSize<Task>>& s) {
    for (int k = 0; k < kStateSize<Task>; ++k) state[k] = s.at[k].value;
  }

  /// As TabularMdp::start_state.
  __device__ std::int32_t start_of(double u) const {
    double cumulative = 0;
    for (int i = 0; i < starts; ++i) {
      cumulative += start_probabilities[i];
      if (cumulative > u) return start_states[i];
    }
    return start_states[0];
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
