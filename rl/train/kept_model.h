// The parameters that a run keeps, the best evaluated or the last, and the model file that it makes of them.
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "rl/config/train_config.h"
#include "rl/learn/agent.h"
#include "rl/replay/running_normalizer.h"
#include "rl/train/model_file.h"
#include "rl/train/run_counts.h"
#include "rl/train/trainer.h"

namespace bellman {

struct KeptParameters {
  double eval_mean = std::numeric_limits<double>::quiet_NaN();  // NaN: no evaluation has chosen
  Index timestep = 0;                                           // when they were the present ones
  std::vector<float> parameters;
  std::vector<double> mean, variance;  // of the observations then; empty when these are not normalised

  bool chosen() const { return !std::isnan(eval_mean); }
  /// Keeps the agent's present parameters. `normalizer` may be null.
  void keep(double mean_return, Index at_timestep, Agent& agent, const RunningNormalizer* normalizer);

  /// Parameters that no evaluation has chosen are kept at a run's end only, and are no part of the state.
  void save(StateWriter& out) const;
  /// `features`: of an observation; 0 when observations are not normalised.
  void load(const StateReader& in, const RunCounts& counts, std::size_t features);
};

/// What `trainer` keeps. REQUIRES: it trains with this configuration, and has run or calls its model hook.
Model kept_model(const TrainConfig& config, const Trainer& trainer);

/// Of a run on parameters that lie elsewhere, in the layout of `network`, and were the present ones after
/// `timestep` environment steps; observations are not normalised.
Model kept_model(const TrainConfig& config, const Network& network, std::span<const float> parameters,
                 Index timestep);

}  // namespace bellman
