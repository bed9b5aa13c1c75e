// Which learner trains: what --learner names, or what suits the network.
#pragma once

#include <memory>
#include <string>

#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/learn/learner_options.h"

namespace bellman {

/// kFused or kOpByOp: for kAuto the fused one where nothing stands in its way. Throws: Error, with what does,
/// when kFused is asked for and cannot be had.
LearnerKind chosen_learner(LearnerKind asked, const Backend& backend, const Network& network,
                           const LearnerOptions& options);

/// "fused, with AVX-512", "op by op".
std::string description(LearnerKind chosen);

/// REQUIRES: `chosen` is not kAuto; backend and network outlive the learner.
std::unique_ptr<Learner> make_learner(LearnerKind chosen, Backend& backend, const Network& network,
                                      const LearnerOptions& options);

}  // namespace bellman
