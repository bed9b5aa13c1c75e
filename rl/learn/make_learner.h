// Which learner trains, what --learner names or what suits the network, and why a fused one cannot.
#pragma once

#include <memory>
#include <string>

#include "core/nn/dense_chain.h"
#include "core/nn/fused_dqn.h"
#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"

namespace bellman {

// Each is empty, or says as the end of a sentence why no fused gradient step can train this:

/// on any device, for what the options say.
std::string fused_unsupported_reason(const LearnerOptions& options);
/// in FusedCpuLearner on this backend.
std::string fused_unsupported_reason(const Backend& backend, const Network& network,
                                     const LearnerOptions& options);
/// in the fused op of this device.
std::string fused_unsupported_reason(const FusedDqnOps& fused, const Network& network,
                                     const LearnerOptions& options);
/// on a device, for what the network is; describes it in `chain` otherwise.
std::string fused_unsupported_reason(DenseChain& chain, const Network& network);

/// kFused or kOpByOp: for kAuto the fused one where it can train this. Throws: Error, with the reason, when
/// kFused is asked for and cannot.
LearnerKind chosen_learner(LearnerKind asked, const Backend& backend, const Network& network,
                           const LearnerOptions& options);

/// REQUIRES: `chosen` is not kAuto; backend and network outlive the learner.
std::unique_ptr<Learner> make_learner(LearnerKind chosen, Backend& backend, const Network& network,
                                      const LearnerOptions& options);

}  // namespace bellman
