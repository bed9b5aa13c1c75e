// Replay in host memory: what happened (ReplayRing), what was seen (ObservationStore), and which transitions
// a learn step gets (Sampler).
//
//     replay.begin_episode(lane, first_observation);
//     ...at every step:
//     replay.add(lane, action, reward, terminated, truncated, next_observation);
//     ...when it is time to learn:
//     const Batch batch = replay.sample(learn_step, beta);
//     learner.learn(batch, learning_rate, td_error);
//     replay.update_priorities(batch, td_error);
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "rl/replay/batch.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/state/training_state.h"

namespace bellman {

/// A lane is an environment. Only the constructor allocates. Not thread-safe.
class HostReplay {
 public:
  /// Observations of `observation_size` elements, stored as `type`; learn steps of up to `max_batch`
  /// transitions. Throws: Error for sizes below 1, or when memory is short.
  HostReplay(ReplayRing ring, std::unique_ptr<Sampler> sampler, Index observation_size, ObservationType type,
             Index max_batch)
      : ring_(std::move(ring)),
        observations_(ring_.capacity(), observation_size, type),
        sampler_(std::move(sampler)),
        arrays_(max_batch) {}

  /// As ReplayRing says of them; `observation` (I) goes into the slot that was written.
  void begin_episode(Index lane, std::span<const float> observation) {
    write(ring_.begin_episode(lane), observation);
  }
  void restart_episode(Index lane, std::span<const float> observation) {
    write(ring_.restart_episode(lane), observation);
  }
  void add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) {
    write(ring_.add(lane, action, reward, terminated, truncated), next_observation);
  }

  /// The transitions of learn step number `learn_step`, drawn by the sampler with the exponent `beta` for the
  /// importance weights; none when no window of n steps is complete yet. Valid until the next call.
  Batch sample(std::uint64_t learn_step, double beta);
  /// `td_error` (B), of either sign, of the batch that was sampled last.
  void update_priorities(const Batch& batch, std::span<const float> td_error) {
    sampler_->on_td_error(batch.slots, td_error);
  }

  Index lanes() const { return ring_.lanes(); }
  Index max_batch() const { return arrays_.capacity(); }

  /// All that changes, of the written slots. load throws: Error for another replay's state, and for an action
  /// that is none of the `num_actions`.
  void save(StateWriter& out) const;
  void load(const StateReader& in, Index num_actions);

 private:
  void write(const ReplayWrite& write, std::span<const float> observation) {
    observations_.store(write.slot, observation);
    sampler_->on_write(write);
  }

  ReplayRing ring_;
  ObservationStore observations_;
  std::unique_ptr<Sampler> sampler_;
  BatchArrays arrays_;
};

}  // namespace bellman
