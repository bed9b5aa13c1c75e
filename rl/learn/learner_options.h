// What a learner is told when it is built, whatever it runs on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/ops/backend.h"
#include "rl/learn/learner.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/running_normalizer.h"
#include "rl/state/on_nan.h"

namespace bellman {

struct LearnerOptions : DqnOptions {
  ObservationType observation_type = ObservationType::kFloat32;  // of the replay
  Index max_batch = 1;                                           // transitions of a learn step
  Index max_acting_batch = 1;                                    // observations of one q_values()
  OptimizerOptions optimizer = AdamOptions{};
  Initialiser initialiser = Initialiser::kPytorch;
  std::uint64_t seed = 1;
  OnNan on_nan = OnNan::kStop;  // kStop: an asynchronous learner skips every step after the first bad one
  /// Observations are stored raw and pass through it, as it stands then, on their way into the network. Null:
  /// they go in raw. REQUIRES: it outlives the learner.
  const RunningNormalizer* normalizer = nullptr;
};

/// REQUIRES: the network outlives the learner.
using LearnerFactory =
    std::function<std::unique_ptr<Learner>(const Network& network, const LearnerOptions& options)>;

}  // namespace bellman
