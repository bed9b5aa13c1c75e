// The evaluations of a run: those during training, which say when its environment counts as solved, and the
// one at its end.
#pragma once

#include <atomic>
#include <optional>

#include "rl/config/train_config.h"
#include "rl/train/evaluator.h"
#include "rl/train/run_counts.h"
#include "rl/train/train_result.h"

namespace bellman {

class Evaluations {
 public:
  /// REQUIRES: config outlives it.
  Evaluations(const TrainConfig& config, const EnvFactory& make_env, const EnvSpec& spec);

  /// One evaluation during training. A few lucky episodes do not solve anything: a mean that reaches
  /// solved_return must hold over solve_confirm_episodes more, and then counts instead. Nothing when it was
  /// stopped: then nothing has changed.
  std::optional<EvalResult> evaluate(const QFunction& q, const std::atomic<bool>* stop);
  /// Whether this mean is the first that reaches solved_return: `timestep` and `seconds` are then those of
  /// solving.
  void check_solved(double mean, Index timestep, double seconds);
  const std::optional<Index>& solved_at_timestep() const { return solved_at_timestep_; }
  double seconds_to_solve() const { return seconds_to_solve_; }

  /// The evaluation at the end: sets eval, eval_seed, and interrupted where it was stopped. Plays episodes
  /// that no evaluation during training has seen: the kept parameters were chosen by those.
  void evaluate_finally(TrainResult& result, const QFunction& q, const std::atomic<bool>* stop) const;

  void save(StateWriter& out) const;
  void load(const StateReader& in, const RunCounts& counts);

 private:
  const TrainConfig& config_;
  EnvFactory make_env_;
  Evaluator evaluator_;
  double solved_return_;  // NaN: none
  std::optional<Index> solved_at_timestep_;
  double seconds_to_solve_ = 0;
};

}  // namespace bellman
