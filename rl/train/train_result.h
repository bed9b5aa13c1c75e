// What a run came to, and how it stands among many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "rl/log/metric_sink.h"

namespace bellman {

struct TrainResult {
  Index timesteps = 0;                      // environment steps made
  Index gradient_updates = 0;               // learn steps, those that were skipped among them
  Index skipped_updates = 0;                // of them, because a number was NaN or infinite (config.on_nan)
  Index skipped_steps = 0;                  // environment steps, likewise
  double wall_seconds = 0;                  // of training, its evaluations included, the final one apart
  std::optional<Index> solved_at_timestep;  // the first evaluation that reached solved_return, and held
  double seconds_to_solve = 0;              // wall time at that moment
  Index model_timestep = 0;                 // when the kept parameters were the present ones
  EvalResult eval;              // of the kept parameters, over final_eval_episodes fresh episodes;
                                // of none when `stop` came first: those that end early are no sample
  std::uint64_t eval_seed = 0;  // of the Evaluator that played them
  double training_mean = 0;     // mean return of the last 100 training episodes, exploration included;
                                // NaN where none ended
  std::optional<Index> training_episodes;  // how many it is the mean of; empty: an earlier version trained
  bool interrupted = false;                // `stop` was set
};

struct EvaluationPoint {
  Index timestep = 0;
  double mean_return = 0;
};

enum class RunState { kWaiting, kRunning, kFinished, kFailed, kCut };

/// Status and result of one run of a sweep or a population.
struct RunRecord {
  RunState state = RunState::kWaiting;
  Index timestep = 0;                  // how far it has come
  TrainResult result;                  // of a finished run
  std::vector<EvaluationPoint> curve;  // the evaluations during training
  std::string error;                   // of a failed one
};

constexpr bool is_over(const RunRecord& run) {
  return run.state == RunState::kFinished || run.state == RunState::kFailed;
}

}  // namespace bellman
