// How a run among many is, and what it came to, whoever trains it.
#pragma once

#include <string>
#include <vector>

#include "rl/train/trainer.h"

namespace bellman {

struct EvaluationPoint {
  Index timestep = 0;
  double mean_return = 0;
};

enum class RunState { kWaiting, kRunning, kFinished, kFailed, kCut };

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
