// What a run's own logs do not say, over training time: norms and steps of every parameter, units that do nothing, the
// distribution of TD errors, of a gridworld the whole Q-table and its distance from the truth, and where the time goes.
//
// A row is a function of the run's state, but for the seconds: it measures the gradient step that would be made next,
// op by op in host memory, wherever the run trains. So no bit of the run depends on it, and a resumed run writes the
// rows that the whole run writes.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/tensor.h"
#include "rl/config/train_config.h"
#include "rl/log/append_file.h"
#include "rl/log/metric_sink.h"

namespace bellman {

class Trainer;

/// Rows of diagnostics.csv. Its columns, by the network's names; formulas: rl/train/network_measures.h.
///   time/total_timesteps
///   weight_norm/0.weight     norm of the parameters
///   grad_norm/0.weight       of their gradient before clipping
///   update_ratio/0.weight    norm of the optimiser's step over that of the parameters
///   dead_share/1             share of the outputs of layer 1, a relu, that are 0 for that whole batch
///   dormant_share/1          share of the units of layer 1, an activation function, that are dormant in it
///   td_error/p10 .. max      quantiles of |delta| in that batch
///   batch/effective_size     with prioritised replay: effective sample size of its importance weights
///   target_gap/parameters    with a target network: ||theta - theta-||
///   target_gap/q             mean |Q(s, a; theta) - Q(s, a; theta-)| over states of the batch and actions
///   policy_churn/target      share of the batch's states where theta's greedy action is another than theta-'s
///   policy_churn/step        share of them where the step changes the greedy action
///   effective_rank/features  of what the last layer sees, over the batch
///   q/0 .. q/(S A - 1)       after an evaluation, of a gridworld with at most 400 of them: Q(s, a) by s A + a
///   value_error/q_star ..    after it, of the same gridworlds: rl/train/value_errors.h
///   seconds/acting ..        since the row before: kPhaseNames
/// Right after an update of the target network there is no lag to measure. Where a row's round has one, target_gap and
/// policy_churn/target have a row of their own, from before the update; elsewhere they stand in the row.
/// target_gap/q, policy_churn and effective_rank are there with Diagnostics::kFull alone: they cost passes of their own.
/// Cells are empty where there is no number. Before the first gradient step there are rows at evaluations alone.
class Recorder final : public MetricSink {
 public:
  /// Appends to `file`, to which it writes the first line when it is empty. A row that cannot be written or measured
  /// ends the recording and not the run: `on_failure` gets the reason. REQUIRES: trainer and file outlive it.
  Recorder(Trainer& trainer, AppendFile& file, std::function<void(const std::string& reason)> on_failure);
  ~Recorder() override;

  /// The first line of a run's file, with its end.
  static std::string head(const Trainer& trainer);
  /// Rows are rare because each makes a gradient step of its own, op by op: docs/inside.md has what that costs.
  static constexpr Index kGradientStepsBetweenRows = 200;
  /// Environment steps between two rows where neither an evaluation nor the run's end asks for one: the least multiple
  /// of log_frequency in which a run makes kGradientStepsBetweenRows. 0: there are none.
  static Index steps_between(const TrainConfig& config);

  /// A row, when one is due.
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;
  void flush() override;

 private:
  struct Measured;
  std::unique_ptr<Measured> measured_;
};

}  // namespace bellman
