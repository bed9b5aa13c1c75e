// What a run's own logs do not say: norms and steps of every parameter, dead units, the distribution of TD errors, and of a
// gridworld the whole Q-table, over training time. It looks on: no bit of the run depends on it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "envs/env.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/log/metric_sink.h"
#include "rl/log/append_file.h"
#include "rl/replay/running_normalizer.h"

namespace bellman {

/// A row of diagnostics.csv for each row of progress.csv. Its columns, by the network's names:
///   time/total_timesteps
///   weight_norm/0.weight     norm of the parameters
///   grad_norm/0.weight       of their gradient before clipping, in the first gradient step after the row before
///   update_ratio/0.weight    norm of the way since the row before, over that of the parameters and by gradient step
///   dead_share/1             share of the units of layer 1, a relu, that are 0 for that whole batch
///   td_error/p10 .. p99      quantiles of |delta| of every fourth step since the row before
///   q/0 .. q/(S A - 1)       after an evaluation, of a gridworld with at most 400 of them: Q(s, a) by s A + a
class Recorder final : public MetricSink {
 public:
  /// REQUIRES: backend and file outlive it; the backend's memory is the host's.
  Recorder(const TrainConfig& config, Backend& backend, AppendFile& file);
  ~Recorder() override;

  /// Writes the columns' names, at the head of a new file.
  void write_head();
  /// The learner, which is looked at from then on. REQUIRES: the recorder outlives it.
  std::unique_ptr<Learner> around(std::unique_ptr<Learner> learner, const RunningNormalizer* normalizer);

  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;

 private:
  class Onlooker;
  struct Observed;
  std::unique_ptr<Observed> observed_;
};

}  // namespace bellman
