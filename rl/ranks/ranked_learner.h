// A rank's part of a learn step. It is handed the whole batch, which all ranks have drawn alike, and makes a gradient
// step with the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rl/learn/learner_around.h"
#include "rl/ranks/lockstep.h"
#include "rl/replay/host_replay.h"

namespace bellman {

/// Which rank learns from each transition of a batch.
struct BatchDeal {
  std::vector<int> owners;  // (B): the rank that has its observations
  std::vector<int> ranks;   // (B): the rank that learns from it
};

/// Deals a batch out: every rank learns from its share_of() the batch. It takes its own transitions first, in the batch's
/// order; what is too much for one rank goes to those that have too few, the lowest first. A function of `deal.owners`
/// alone. REQUIRES: owners are ranks below `ranks`.
void deal_batch(BatchDeal& deal, int ranks);

/// learn() takes and gives what a learner without ranks does: the batch's slots are those of the whole replay, TD errors
/// are those of the whole batch. The inner learner sees this rank's transitions alone, and averages gradients
/// (LearnerOptions::gradient_average). Allocates at first only.
class RankedLearner final : public LearnerAround {
 public:
  /// Throws: Error when max_batch, of the whole batch, has fewer transitions than there are ranks. REQUIRES: `replay` and
  /// `lockstep` outlive it; the inner learner takes batches of landing_rows().
  RankedLearner(std::unique_ptr<Learner> inner, Lockstep& lockstep, HostReplay& replay, Index max_batch);

  std::string description() const override;
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override;

 private:
  void exchange_observations(const Batch& batch);
  Batch own_part(const Batch& batch);
  void gather_results(std::span<float> td_error, LearnStats& stats);

  Lockstep& lockstep_;
  HostReplay& replay_;
  std::size_t row_bytes_;  // of the frames of s and s'
  BatchDeal deal_;
  BatchArrays arrays_;
  std::vector<float> td_errors_;                                  // (own)
  std::vector<std::size_t> sent_sizes_, received_sizes_, sizes_;  // (N) in bytes
  std::vector<std::size_t> places_;                               // (N) where the next bytes of each rank are
  std::vector<std::byte> sent_, received_, results_;
};

}  // namespace bellman
