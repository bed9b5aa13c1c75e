// Which transitions a learn step gets, and how much each of them counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"
#include "core/ops/replay_ops.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sum_tree.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Draws from the sampleable slots of a ring, which on_write reports. The draws of a learn step depend on the
/// seed, the number of the step and what is sampleable, on nothing else: there is no hidden generator.
/// Only constructors allocate. Not thread-safe.
class Sampler {
 public:
  virtual ~Sampler() = default;

  /// To be called after every write to the ring.
  void on_write(const ReplayWrite& write) {
    if (write.evicted) on_evict(*write.evicted);
    for (Index slot : write.completed) on_add(slot);
  }
  /// A slot can be sampled from now on. Throws: Error when there is no such slot, or it could be before.
  virtual void on_add(Index slot) = 0;
  /// A slot is no longer sampleable. Throws: Error when it was not before.
  virtual void on_evict(Index slot) = 0;

  /// Draws slots (B) and their importance weights (B), for the learn step of that number.
  /// Throws: Error when no slot can be sampled, or the spans differ in length.
  virtual void sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) = 0;
  /// What sample() would return; changes nothing.
  virtual void peek(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) {
    sample(learn_step, slots, weights);
  }
  /// Takes after the learn step the TD errors (B), of either sign, of the slots (B) that were sampled. Slots
  /// that were evicted in between are passed over.
  /// Throws: Error when the spans differ in length, or a TD error is not finite, which it names.
  virtual void on_td_error(std::span<const Index> slots, std::span<const float> td_errors) = 0;
  /// The exponent of the importance weights, annealed over a run. Throws: Error outside [0, 1].
  virtual void set_beta(double beta) = 0;

  /// How many slots can be sampled.
  virtual Index size() const = 0;
  /// How many a learn step should draw: `wanted`, or 0 when none can be sampled.
  virtual Index batch_size(Index wanted) const { return size() > 0 ? wanted : 0; }

  /// All that changes, but for beta, of the slots that `ring` has written. load throws: Error for what a
  /// sampler of `ring`, which has been loaded, cannot be in.
  virtual void save(StateWriter& out, const ReplayRing& ring) const = 0;
  virtual void load(const StateReader& in, const ReplayRing& ring) = 0;
};

/// Every sampleable slot with the same probability, up to 2^-32: independent draws, with replacement.
/// Weights are 1. A draw, an add and an eviction are O(1).
class UniformSampler final : public Sampler {
 public:
  /// For slots [0, capacity). Throws: Error for a capacity below 1 or of 2^31 and more, or when memory is
  /// short.
  UniformSampler(Index capacity, std::uint64_t seed);

  void on_add(Index slot) override;
  void on_evict(Index slot) override;
  void sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) override;
  void on_td_error(std::span<const Index> slots, std::span<const float> td_errors) override;
  void set_beta(double beta) override;
  Index size() const override { return size_; }

  void save(StateWriter& out, const ReplayRing& ring) const override;
  void load(const StateReader& in, const ReplayRing& ring) override;

  /// The sampleable slots (size), in the order that draws refer to.
  std::span<const std::int32_t> state() const { return {slots_.data(), static_cast<std::size_t>(size_)}; }
  /// Throws: Error for a slot that does not exist or is there twice; then nothing has changed.
  void set_state(std::span<const std::int32_t> slots);

 private:
  RandomStream stream_;
  Index size_ = 0;
  std::int32_t& place(Index slot) { return places_[static_cast<std::size_t>(slot)]; }

  HostArray<std::int32_t> slots_;   // (capacity): the first `size_` can be sampled
  HostArray<std::int32_t> places_;  // (capacity): 1 + where a slot stands in slots_; 0: nowhere
  ChangedBlocks changed_;           // of slots_
};

/// Proportional prioritisation (Schaul et al. 2016, "Prioritized experience replay"). A slot's priority is
/// p = |td_error| + epsilon, and it is drawn with the probability P(i) = p_i^alpha / sum_k p_k^alpha (eq. 1).
/// What was never sampled has the largest priority that any slot ever had (1 at first), so that all is seen
/// at least once before long. Draws are stratified: the n-th comes from the n-th of B equal parts of the sum,
/// so a slot can be drawn more than once only when it spans parts. Weights undo the bias, w_i = (N
/// P(i))^-beta with N = size(), and are divided by the batch's largest (section 3.4): the largest weight of
/// every batch is 1. A draw, an add and an eviction are O(log N).
class PrioritizedSampler final : public Sampler {
 public:
  /// For slots [0, capacity). Beta starts at 1.
  /// Throws: Error when capacity is below 1, alpha outside [0, 1], epsilon outside [1e-30, 1e30], or memory
  /// is short.
  PrioritizedSampler(Index capacity, std::uint64_t seed, const PriorityPower& power);

  void on_add(Index slot) override;
  void on_evict(Index slot) override;
  void sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) override;
  /// A slot that is there more than once gets the priority of its last TD error.
  void on_td_error(std::span<const Index> slots, std::span<const float> td_errors) override;
  void set_beta(double beta) override;
  Index size() const override { return size_; }

  void save(StateWriter& out, const ReplayRing& ring) const override;
  void load(const StateReader& in, const ReplayRing& ring) override;

  /// P(slot); 0 when it cannot be sampled. Throws: Error when there is no such slot.
  double probability(Index slot) const;
  /// The largest priority p ever seen, before the power.
  double max_priority() const { return max_priority_; }

  /// All that changes, but for beta. `weights` (capacity): p^alpha, 0 for what cannot be sampled.
  struct State {
    std::span<const double> weights;
    double max_priority = 1;
  };
  State state() const { return {tree_.state(), max_priority_}; }
  /// Throws: Error for a state that a sampler of this size cannot be in; then nothing has changed.
  void set_state(const State& state) {
    const RowRange all = {0, static_cast<std::size_t>(tree_.capacity())};
    set_state(state, {&all, 1});
  }

 private:
  /// Of the slots in `ranges`; the weights of all others are 0.
  void set_state(const State& state, std::span<const RowRange> ranges);

  RandomStream stream_;
  PriorityPower power_;
  double beta_ = 1;
  double max_priority_ = 1;
  double max_weight_ = 1;  // max_priority_^alpha
  Index size_ = 0;
  SumTree tree_;  // of p^alpha
};

/// Learning without a replay memory.
/// Returns the slots that became sampleable since the last sample, oldest first, and drops them. Nothing is
/// random. Only the constructor allocates.
class NewestSampler final : public Sampler {
 public:
  /// For up to `capacity` slots between two samples. Throws: Error for a capacity below 1.
  explicit NewestSampler(Index capacity);

  /// Throws: Error when `capacity` slots are waiting already.
  void on_add(Index slot) override;
  void on_evict(Index slot) override;
  /// REQUIRES: as many slots as size() says: all of them or none.
  void sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) override;
  void peek(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) override;
  void on_td_error(std::span<const Index>, std::span<const float>) override {}
  void set_beta(double) override {}
  /// How many are waiting.
  Index size() const override { return static_cast<Index>(waiting_.size()); }
  /// All that are waiting.
  Index batch_size(Index /*wanted*/) const override { return size(); }

  void save(StateWriter& out, const ReplayRing& /*ring*/) const override {
    out.add("sampler.waiting", waiting_);
  }
  void load(const StateReader& in, const ReplayRing& ring) override;

 private:
  std::vector<Index> waiting_;
};

}  // namespace bellman
