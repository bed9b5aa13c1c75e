// The form of an environment whose state is a few real numbers: one struct in one header, for host and device
// (envs/control/cartpole_step.h). The environment (envs/control/continuous_env.h), its batch in registers
// (envs/control/continuous_batch.h) and its form in the agent kernel (cuda/agent_kernel/device_env.cuh) are
// made from it.
//
// A task is a struct without data members:
//
//   static constexpr TaskVariant kVariants[];           // an environment each
//   static constexpr std::string_view kActions[];       // their names
//   static constexpr std::string_view kObservation[];   // what each element of an observation is
//   static constexpr StateNumber kState[];              // the numbers of a state, S of them
//   static constexpr StepRewards kRewards;
//   static constexpr StepRewards kSuttonBartoRewards;   // only where the option sutton_barto_reward exists
//   static constexpr int kDraws;                        // uniform numbers that an initial state takes
//   template <class T> static Numbers<T, S> initial(const Numbers<T, kDraws>& u);  // u on [0, 1)
//   template <class T> static Numbers<T, S> step(const Numbers<T, S>& s, T action);
//   template <class T> static auto terminated(const Numbers<T, S>& s);             // a mask
//   template <class T, class AnyState> static T observed(const AnyState& s, int i);  // s.at[k] is a T
//
// T is double for one environment, a register of doubles (core/base/vec.h) for an environment in each of its
// lanes, and RoundedDouble (cuda/base/rounded_double.h) on a device. All three round each sum and product by
// itself, so all give the same bits. A task branches by select(); its comparisons give masks, combined by &
// and |.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

#include "core/base/numeric.h"
#include "core/base/rng.h"
#include "core/base/tensor.h"
#include "envs/control/lane_math.h"

namespace bellman {

/// A state, or the uniform numbers that an initial state is computed from.
template <class T, int n>
struct Numbers {
  T at[n];
};

/// A number of a state and its bounds, which every state respects and which include 0.
struct StateNumber {
  const char* name;
  double least, most;
};

/// An environment's id, time limit (steps; 0: none) and threshold (mean return that counts as solved).
struct TaskVariant {
  std::string_view id, summary;
  Index max_episode_steps;
  double reward_threshold;
};

/// The reward of a step: of one that ends the task, and of any other.
struct StepRewards {
  double going_on = 0, ending = 0;

  BELLMAN_HOST_DEVICE constexpr double of(bool terminated) const { return terminated ? ending : going_on; }
};

template <class Task>
inline constexpr int kStateSize = static_cast<int>(std::size(Task::kState));
template <class Task>
inline constexpr int kObservationSize = static_cast<int>(std::size(Task::kObservation));
template <class Task>
inline constexpr int kNumActions = static_cast<int>(std::size(Task::kActions));

/// Draws the uniform numbers of an initial state from index i on, two from each call's four words.
template <class Task, int i = 0, class T>
BELLMAN_HOST_DEVICE inline void draw_numbers(Numbers<T, Task::kDraws>& u, const RandomStream& stream,
                                             std::uint64_t draw) {
  if constexpr (i < Task::kDraws) {
    const RandomWords words = random_words(stream, draw, i / 2);
    u.at[i] = uniform_double(words[0], words[1]);
    if constexpr (i + 1 < Task::kDraws) u.at[i + 1] = uniform_double(words[2], words[3]);
    draw_numbers<Task, i + 2>(u, stream, draw);
  }
}

/// The initial state of a draw.
template <class Task, class T = double>
BELLMAN_HOST_DEVICE inline Numbers<T, kStateSize<Task>> initial_state(const RandomStream& stream,
                                                                      std::uint64_t draw) {
  Numbers<T, Task::kDraws> u;
  draw_numbers<Task>(u, stream, draw);
  return Task::initial(u);
}

}  // namespace bellman
