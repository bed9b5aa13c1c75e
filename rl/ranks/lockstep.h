// Keeps the ranks of a training run together. Every rank runs the same loop over all environments and the whole
// batch. It holds a part of both. The others tell it the rest:
//
//   environments  each rank steps its own, and tells the others what that led to (StepRecord)
//   replay        each rank keeps which steps were made, and the observations of its own environments
//                 (HostReplay): all draw the same batch
//   batch         each rank learns from a part of it (RankedLearner)
//   gradient      its mean over ranks, in a fixed order, is what every rank steps along (RankedGradientAverage,
//                 DeviceGradientAverage)
//
// So rewards, draws, TD errors, parameters and counts are the same everywhere, and every rank takes the same
// decisions. What only one rank knows, a signal or the time, travels with the next message: docs/decisions/0036.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/env.h"
#include "rl/ranks/ranks.h"
#include "rl/state/rank_share.h"

namespace bellman {

/// What a rank tells all others of a step in an environment.
struct StepRecord {
  StepResult result;
  std::int32_t action = 0;
  bool is_finite = true;  // the reward, and the observation after it
};

class Lockstep {
 public:
  /// Throws: Error when there are fewer environments than ranks. REQUIRES: ranks outlive it.
  Lockstep(Ranks& ranks, Index num_envs);

  int rank() const { return ranks_.rank(); }
  int size() const { return ranks_.size(); }
  Ranks& ranks() { return ranks_; }
  /// The environments of this rank.
  RankShare envs() const { return share_of(num_envs_, rank(), size()); }
  /// The rank that steps environment `env`.
  int owner(Index env) const { return owners_[static_cast<std::size_t>(env)]; }

  /// What this rank is asked for from now on: to end early, and on rank 0 whether a checkpoint is due.
  void listen(const std::atomic<bool>* stop, std::function<bool()> checkpoint_is_due);
  /// Whether some rank was asked to end early, as all of them know it.
  const std::atomic<bool>& is_stopped() const { return is_stopped_; }
  /// Whether a checkpoint is due, once for each time that rank 0 said so.
  bool take_checkpoint_due();

  /// steps(E): this rank's environments' are given, all others' are filled in.
  void share_steps(std::span<StepRecord> steps);
  /// Every rank's `own` bytes one after another, in rank order; rank r has sizes[r]. Valid until the next call.
  std::span<const std::byte> gather(std::span<const std::byte> own, std::span<const std::size_t> sizes);

 private:
  Ranks& ranks_;
  Index num_envs_;
  std::vector<int> owners_;  // (E)
  const std::atomic<bool>* stop_ = nullptr;
  std::function<bool()> checkpoint_is_due_;
  std::atomic<bool> is_stopped_{false};
  bool checkpoint_due_ = false;
  std::vector<std::size_t> step_sizes_, sizes_;  // (N) in bytes
  std::vector<std::byte> messages_, gathered_;
};

}  // namespace bellman
