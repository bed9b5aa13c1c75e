// Learning without a replay memory: what has just happened, each transition once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/replay/sampler.h"

namespace bellman {

/// Hands out the slots that became sampleable since the last sample, oldest first, and forgets them. There is
/// no chance in it. Only the constructor allocates.
class NewestSampler final : public Sampler {
 public:
  /// For up to `capacity` slots between two samples. Throws: Error for a capacity below 1.
  explicit NewestSampler(Index capacity);

  /// Throws: Error when `capacity` slots are waiting already.
  void on_add(Index slot) override;
  void on_evict(Index slot) override;
  /// REQUIRES: as many slots as size() says: all of them or none.
  void sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) override;
  void on_td_error(std::span<const Index>, std::span<const float>) override {}
  void set_beta(double) override {}
  /// How many wait to be learnt from.
  Index size() const override { return static_cast<Index>(waiting_.size()); }
  /// All that wait.
  Index batch_size(Index /*wanted*/) const override { return size(); }

  void save(StateWriter& out, const ReplayRing& /*ring*/) const override {
    out.add("sampler.waiting", waiting_);
  }
  void load(const StateReader& in, const ReplayRing& ring) override;

 private:
  std::vector<Index> waiting_;
};

}  // namespace bellman
