// Replay in host memory: what happened (ReplayRing), what was seen (ObservationStore), and which transitions
// a learn step gets (Sampler).
//
//     replay.begin_episode(env, first_observation);
//     ...at every step:
//     replay.add(env, action, reward, terminated, truncated, next_observation);
//     ...when it is time to learn:
//     const Batch batch = replay.sample(learn_step, beta);
//     learner.learn(batch, learning_rate, td_error);
//     replay.update_priorities(batch, td_error);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "rl/replay/observation_store.h"
#include "rl/replay/replay.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/state/rank_share.h"
#include "rl/state/training_state.h"

namespace bellman {

/// The observations that a replay has where they are dealt out to several ranks (rl/ranks): those of some environments.
/// What happened there it knows of all.
struct KeptObservations {
  RankShare envs;
  Index landing_rows = 0;  // rows more, for observations that come from other ranks
};

/// Only the constructor and look() allocate. Not thread-safe.
class HostReplay final : public Replay {
 public:
  /// Observations of `observation_size` elements, stored as `type`; learn steps of up to `max_batch`
  /// transitions. Where the ring has stacks of k frames, an observation is k frames, oldest first, and the newest of them
  /// is stored. Throws: Error for sizes below 1, for an observation_size that k does not divide, or when memory is short.
  /// It keeps the observations of the environments in `kept`; where these are none, of all.
  HostReplay(ReplayRing ring, std::unique_ptr<Sampler> sampler, Index observation_size, ObservationType type,
             Index max_batch, const KeptObservations& kept = {})
      : ring_(std::move(ring)),
        kept_(kept_slots(ring_, kept.envs)),
        observations_(kept_.count + kept.landing_rows, frame_size(observation_size, ring_.frame_stack()),
                      type),
        sampler_(std::move(sampler)),
        arrays_(max_batch, ring_.frame_stack()) {}

  void begin_episode(Index env, std::span<const float> observation) override {
    write(ring_.begin_episode(env), observation);
  }
  void restart_episode(Index env, std::span<const float> observation) override {
    write(ring_.restart_episode(env), observation);
  }
  void add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) override {
    write(ring_.add(env, action, reward, terminated, truncated), next_observation);
  }
  Index size() const override { return sampler_->size(); }
  Index num_envs() const override { return ring_.num_envs(); }
  /// REQUIRES: it keeps all observations.
  std::optional<DrawnBatch> look(std::uint64_t learn_step, double beta) override;
  void save(StateWriter& out) override;
  void load(const StateReader& in, Index num_actions) override;

  /// The transitions of learn step number `learn_step`, drawn by the sampler with the exponent `beta` for the
  /// importance weights; none when no window of n steps is complete yet. Valid until the next call. Slots are the ring's:
  /// where a part of the observations is kept, they are not rows of Batch::observations (kept_slot()).
  Batch sample(std::uint64_t learn_step, double beta);
  /// `td_error` (B), of either sign, of the batch that was sampled last.
  void update_priorities(const Batch& batch, std::span<const float> td_error) {
    sampler_->on_td_error(batch.slots, td_error);
  }

  Index max_batch() const { return arrays_.capacity(); }

  // Where observations are dealt out to ranks.
  Index frame_stack() const { return ring_.frame_stack(); }
  Index env_of(Index slot) const { return slot / ring_.slots_per_env(); }
  /// Where the observation of a slot of the ring stands in observations(). REQUIRES: it is kept.
  Index kept_slot(Index slot) const { return slot - kept_.first; }
  /// Those of the kept slots, then the landing rows.
  ObservationStore& observations() { return observations_; }
  Index first_landing_row() const { return kept_.count; }

 private:
  static RankShare kept_slots(const ReplayRing& ring, const RankShare& envs) {
    if (envs.count == 0) return {0, ring.capacity()};
    return {envs.first * ring.slots_per_env(), envs.count * ring.slots_per_env()};
  }
  /// The rows of observations() that the ring has written.
  RowRanges written_rows() const;
  /// Throws: Error unless the observation is whole frames.
  static Index frame_size(Index observation_size, Index frame_stack);
  void write(const ReplayWrite& write, std::span<const float> observation) {
    if (kept_.has(write.slot)) observations_.store(kept_slot(write.slot), newest_frame(observation));
    sampler_->on_write(write);
  }
  /// Throws: Error for an observation of another size.
  std::span<const float> newest_frame(std::span<const float> observation) const;

  ReplayRing ring_;
  RankShare kept_;  // slots
  ObservationStore observations_;
  std::unique_ptr<Sampler> sampler_;
  BatchArrays arrays_;
};

inline Batch HostReplay::sample(std::uint64_t learn_step, double beta) {
  const Index size = sampler_->batch_size(arrays_.capacity());
  if (size > 0) {
    const auto count = static_cast<std::size_t>(size);
    sampler_->set_beta(beta);
    sampler_->sample(learn_step, std::span(arrays_.slots).first(count),
                     std::span(arrays_.weights).first(count));
  }
  Batch batch = ring_.assemble(arrays_, size);
  batch.observations = &observations_;
  return batch;
}

inline void HostReplay::save(StateWriter& out) {
  ring_.save(out);
  sampler_->save(out, ring_);
  observations_.save(out, written_rows());
}

inline void HostReplay::load(const StateReader& in, Index num_actions) {
  ring_.load(in, num_actions);
  sampler_->load(in, ring_);
  observations_.load(in, ring_.written(),
                     {static_cast<std::size_t>(kept_.first), static_cast<std::size_t>(kept_.end())});
}

}  // namespace bellman
