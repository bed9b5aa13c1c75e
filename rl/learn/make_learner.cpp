#include "rl/learn/make_learner.h"

#include <variant>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/fused/plan.h"
#include "rl/learn/dqn_update.h"
#include "rl/learn/fused_cpu_learner.h"
#include "rl/learn/op_by_op_learner.h"

namespace bellman {
namespace {

/// `unknown`: what the network has that is not among these; may be empty.
std::string only_dense_layers(const std::string& widths, const std::string& unknown) {
  if (unknown.empty()) return "";
  return "it knows dense layers" + widths +
         ", each followed by relu, tanh or nothing, and a dueling head, but " + unknown;
}

}  // namespace

std::string fused_unsupported_reason(const LearnerOptions& options) {
  if (!std::holds_alternative<AdamOptions>(options.optimizer)) return "its optimizers are adam and adamw";
  if (options.munchausen) return "its targets are those of DQN and Double DQN, and munchausen is true";
  return "";
}

std::string fused_unsupported_reason(const Backend& backend, const Network& network,
                                     const LearnerOptions& options) {
  if (dynamic_cast<const CpuBackend*>(&backend) == nullptr)
    return std::string("it runs on the device cpu, not on ") + backend.name();
  const std::string of_options = fused_unsupported_reason(options);
  if (!of_options.empty()) return of_options;
  return only_dense_layers(" up to " + std::to_string(cpu::fused::kWidest) + " wide",
                           cpu::fused::unknown_to_plan(network));
}

std::string fused_unsupported_reason(const FusedDqnOps& fused, const Network& network,
                                     const LearnerOptions& options) {
  const std::string of_options = fused_unsupported_reason(options);
  if (!of_options.empty()) return of_options;
  DenseChain chain;
  const std::string of_network = fused_unsupported_reason(chain, network);
  return of_network.empty() ? fused.fused_dqn_unsupported_reason(chain, DqnUpdate::fused_options(options))
                            : of_network;
}

std::string fused_unsupported_reason(DenseChain& chain, const Network& network) {
  return only_dense_layers("", describe_dense_chain(chain, network));
}

LearnerKind chosen_learner(LearnerKind asked, const Backend& backend, const Network& network,
                           const LearnerOptions& options) {
  if (asked == LearnerKind::kOpByOp) return asked;
  const std::string unsupported = fused_unsupported_reason(backend, network, options);
  if (unsupported.empty()) return LearnerKind::kFused;
  if (asked == LearnerKind::kFused) fail("learner is fused, which cannot train this: ", unsupported);
  return LearnerKind::kOpByOp;
}

std::unique_ptr<Learner> make_learner(LearnerKind chosen, Backend& backend, const Network& network,
                                      const LearnerOptions& options) {
  if (chosen == LearnerKind::kFused) return std::make_unique<FusedCpuLearner>(backend, network, options);
  return std::make_unique<OpByOpLearner>(backend, network, options);
}

}  // namespace bellman
