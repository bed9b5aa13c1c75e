// The environments of a resident agent, by the pure step functions of the CPU's (envs/*_step.h). A state is
// four doubles: CartPole's, or a table's cell and nothing else.
#pragma once

#include <cstdint>

#include "core/resident_dqn.h"
#include "core/rng.h"
#include "cuda/rounded_double.h"
#include "envs/cartpole_step.h"
#include "envs/tabular_step.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// ResidentEnv with its arrays in the device's memory.
struct LaneEnv {
  int inputs, actions;
  Index max_episode_steps, eval_episode_steps;
  bool cartpole, sutton_barto_reward;
  TabularTable table;
  const std::int32_t* start_states;
  const double* start_probabilities;
  int starts;
  const float* observations;  // (states, inputs)

  /// Writes the first state of an episode.
  __device__ void reset(double* state, const RandomStream& stream, std::uint64_t draw) const {
    const RandomWords a = random_words(stream, draw);
    if (!cartpole) {
      state[0] = start_of(uniform_double(a[0], a[1]));
      return;
    }
    const RandomWords b = random_words(stream, draw, 1);
    const auto number = [](std::uint32_t high, std::uint32_t low) {
      return RoundedDouble(uniform_double(high, low));
    };
    const CartPoleStateOf<RoundedDouble> s =
        cartpole_initial(number(a[0], a[1]), number(a[2], a[3]), number(b[0], b[1]), number(b[2], b[3]));
    put(state, s);
  }

  struct Outcome {
    float reward;
    bool terminated;
  };
  /// Moves the state on.
  __device__ Outcome step(double* state, int action, const RandomStream& stream, std::uint64_t draw) const {
    if (!cartpole) {
      const RandomWords words = random_words(stream, draw);
      const auto& outcome = tabular_step(table, static_cast<std::int32_t>(state[0]), action,
                                         uniform_double(words[0], words[1]));
      state[0] = outcome.next;
      return {static_cast<float>(outcome.reward), outcome.terminated};
    }
    // A running episode's angle is within 12 degrees.
    const CartPoleStateOf<RoundedDouble> s = {state[0], state[1], state[2], state[3]};
    put(state, cartpole_step(s, RoundedDouble(cartpole_force(action)), sin_cos_of_small(s.theta)));
    const bool failed = cartpole_failed(CartPoleState{state[0], state[1], state[2], state[3]});
    return {static_cast<float>(cartpole_reward(failed, sutton_barto_reward)), failed};
  }

  /// Number i of what the agent sees.
  __device__ float observed(const double* state, int i) const {
    if (cartpole) return static_cast<float>(state[i]);
    return observations[static_cast<Index>(state[0]) * inputs + i];
  }

 private:
  /// As TabularMdp::start_state.
  __device__ std::int32_t start_of(double u) const {
    double cumulative = 0;
    for (int i = 0; i < starts; ++i) {
      cumulative += start_probabilities[i];
      if (cumulative > u) return start_states[i];
    }
    return start_states[0];
  }
  static __device__ void put(double* state, const CartPoleStateOf<RoundedDouble>& s) {
    state[0] = s.x.value;
    state[1] = s.x_dot.value;
    state[2] = s.theta.value;
    state[3] = s.theta_dot.value;
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
