// A replay: what an agent remembers of its environments; and the batches that its learn steps draw from it.
// HostReplay keeps observations and priorities in host memory, DeviceReplay in the backend's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "rl/state/training_state.h"

namespace bellman {

class ObservationStore;

/// The transitions of one learn step, by slot of the replay ring. Arrays of B, in host memory.
///
/// With a stack of k > 1 frames a slot holds one frame, and a state is k of them. frames and next_frames then name the
/// frames of each state, oldest first: (B,k), row after row.
struct Batch {
  std::span<const Index> slots;       // where s is
  std::span<const Index> next_slots;  // where the state that is bootstrapped from is
  std::span<const std::int32_t> actions;
  std::span<const float> rewards;                  // sum_(i<k) gamma^i r_(t+i)
  std::span<const float> discounts;                // gamma^k, k the steps really summed
  std::span<const float> terminated;               // 1: nothing is bootstrapped
  std::span<const float> weights;                  // importance weights; all 1 for uniform sampling
  const ObservationStore* observations = nullptr;  // of the ring's slots
  std::span<const Index> frames, next_frames;      // (B,k); empty without a stack

  /// What to gather for s: row n of B is made of the observations in k slots.
  std::span<const Index> state_slots() const { return frames.empty() ? slots : frames; }
  /// And for the state that is bootstrapped from.
  std::span<const Index> next_state_slots() const { return next_frames.empty() ? next_slots : next_frames; }
};

/// Arrays of up to `capacity` transitions. Weights start at 1, which is what they are without priorities.
struct BatchArrays {
  /// Of states of `stack` frames. Throws: Error for a capacity or a stack below 1.
  explicit BatchArrays(Index capacity, Index stack = 1)
      : slots(count(capacity)),
        next_slots(slots.size()),
        actions(slots.size()),
        rewards(slots.size()),
        discounts(slots.size()),
        terminated(slots.size()),
        weights(slots.size(), 1.0F),
        frame_stack(stack) {
    if (stack < 1) fail("states of ", stack, " frames, must have at least 1");
    if (stack == 1) return;
    frames.resize(slots.size() * static_cast<std::size_t>(stack));
    next_frames.resize(frames.size());
  }

  Index capacity() const { return static_cast<Index>(slots.size()); }

  /// The first n transitions; `observations` are those of their slots. REQUIRES: 0 <= n <= capacity().
  Batch first(Index n, const ObservationStore* observations = nullptr) const {
    const std::size_t b = static_cast<std::size_t>(n);
    const std::size_t stacked = frames.empty() ? 0 : b * static_cast<std::size_t>(frame_stack);
    return {{slots.data(), b},        {next_slots.data(), b},       {actions.data(), b}, {rewards.data(), b},
            {discounts.data(), b},    {terminated.data(), b},       {weights.data(), b}, observations,
            {frames.data(), stacked}, {next_frames.data(), stacked}};
  }

  std::vector<Index> slots, next_slots;
  std::vector<std::int32_t> actions;
  std::vector<float> rewards, discounts, terminated, weights;
  Index frame_stack = 1;
  std::vector<Index> frames, next_frames;  // (B,k); empty without a stack

 private:
  static std::size_t count(Index capacity) {
    if (capacity < 1) fail("a batch holds ", capacity, " transitions, must hold at least 1");
    return static_cast<std::size_t>(capacity);
  }
};

/// A batch that refers to nothing else.
struct DrawnBatch {
  Index size = 0;                                      // B
  BatchArrays arrays{1};                               // (B)
  std::vector<float> observations, next_observations;  // (B,I), as they were stored
};

/// `env` is the index of an environment.
class Replay {
 public:
  virtual ~Replay() = default;

  /// Environment `env` starts an episode with this observation (I). Throws: Error when one is running there.
  virtual void begin_episode(Index env, std::span<const float> observation) = 0;
  /// Environment `env` made a step that cannot be used, and starts an episode with this observation: the
  /// running one ends with its last step, as if truncated there. Throws: Error when none is running.
  virtual void restart_episode(Index env, std::span<const float> observation) = 0;
  /// Environment `env` made a step; `next_observation` followed it, the real final one at an episode's end.
  /// Throws: Error when no episode is running there, or the reward is not finite.
  virtual void add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
                   std::span<const float> next_observation) = 0;

  /// How many transitions a learn step can draw from.
  virtual Index size() const = 0;
  virtual Index num_envs() const = 0;

  /// What the learn step of that number would draw if it came now. Of a replay whose transitions are learnt from once,
  /// after that: those that it still has. Nothing before a window of n steps is complete. For lookers-on: it changes no
  /// later draw, and allocates.
  virtual std::optional<DrawnBatch> look(std::uint64_t learn_step, double beta) = 0;

  /// All that changes, of the written slots. load throws: Error for another replay's state, and for an action
  /// that is none of the `num_actions`.
  virtual void save(StateWriter& out) = 0;
  virtual void load(const StateReader& in, Index num_actions) = 0;
};

}  // namespace bellman
