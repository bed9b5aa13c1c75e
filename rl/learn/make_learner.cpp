#include "rl/learn/make_learner.h"

#include "core/base/check.h"
#include "rl/learn/fused_learner.h"
#include "rl/learn/op_by_op_learner.h"

namespace bellman {

LearnerKind chosen_learner(LearnerKind asked, const Backend& backend, const Network& network,
                           const LearnerOptions& options) {
  if (asked == LearnerKind::kOpByOp) return asked;
  const std::string unsupported = FusedLearner::unsupported_reason(backend, network, options);
  if (unsupported.empty()) return LearnerKind::kFused;
  if (asked == LearnerKind::kFused) fail("learner is fused, which cannot train this: ", unsupported);
  return LearnerKind::kOpByOp;
}

std::string description(LearnerKind chosen) {
  if (chosen == LearnerKind::kOpByOp) return "op by op";
  return std::string("fused, with ") + cpu::fused::usable_kernels().front()->name;
}

std::unique_ptr<Learner> make_learner(LearnerKind chosen, Backend& backend, const Network& network,
                                      const LearnerOptions& options) {
  if (chosen == LearnerKind::kFused) return std::make_unique<FusedLearner>(backend, network, options);
  return std::make_unique<OpByOpLearner>(backend, network, options);
}

}  // namespace bellman
