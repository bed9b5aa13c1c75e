// What a run's own logs do not say: norms and steps of every parameter, dead units, the distribution of TD errors, and of a
// gridworld the whole Q-table, over training time. It looks on: no bit of the run depends on it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "envs/env.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/log/append_file.h"
#include "rl/log/metric_sink.h"
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
  /// REQUIRES: the backend outlives it, and its memory is the host's.
  Recorder(const TrainConfig& config, Backend& backend);
  ~Recorder() override;

  /// Makes the learner that the settings choose, and looks at it from then on. REQUIRES: the recorder outlives it.
  LearnerFactory learner_factory();
  /// Begins a file, or with `resumed_at` goes on with an earlier one behind its rows up to that environment step. Throws:
  /// Error that names the file.
  void open(const std::filesystem::path& path, std::optional<Index> resumed_at);

  /// A row, once a file is open.
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;

 private:
  std::string head() const;

  class Onlooker;
  struct Observed;
  std::unique_ptr<Observed> observed_;
};

}  // namespace bellman
