// A whole gradient step of DQN on a small network of dense layers as one op of a device, with the network in
// fast memory. It does what DqnUpdate (rl/learn/dqn_update.h) and the ops around it do: gather, passes, TD
// target, loss, backward pass, clipping, guard, Adam, target update. It reads and writes the same tensors, but
// sums in another order, so the bits differ.
#pragma once

#include <memory>
#include <string>

#include "core/nn/dense_chain.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman {

/// As rl/learn/learner.h. REQUIRES: not munchausen.
struct FusedDqnOptions : DqnOptions {
  Index batch = 1;
  AdamOptions adam = {};
  SkipPolicy holding = SkipPolicy::kForGood;
};

/// The tensors that a step reads and writes, all at fixed places in device memory.
struct FusedDqnMemory {
  Tensor online, target, m, v;  // arenas (N)
  Tensor gradients;             // (N) overwritten: of the last step, after clipping
  TransitionTensors transitions;
  ConstTensor observations;           // (S,I); no tensor when they are bytes
  ConstByteTensor byte_observations;  // (S,I)
  Tensor td_error;                    // (B) overwritten: of the last step, as loss and norm
  Tensor loss, norm;                  // (1); norm is not written without clipping
  IntTensor guard;                    // (kGuardWords)
  DoubleTensor sums;                  // (4), as ReplayOps::add_learn_stats
  DoubleTensor report;                // (kReportWords), as ReplayOps::report_step
};

/// K consecutive steps, with the bits of K calls of one step each.
struct FusedDqnSteps {
  ConstIntTensor slot;      // (K,B)
  ConstTensor weight = {};  // (K,B); no tensor: all are 1
  float learning_rate = 0;
  Index first_step = 1;  // the optimiser's number of the first step, with held steps counted
  StepId name = {};      // of the first step
  float target_tau = 0;  // after the last: target <- tau online + (1 - tau) target; 0: no update
};

class FusedDqn {
 public:
  virtual ~FusedDqn() = default;
  /// Asynchronous. Throws: Error when shapes do not fit.
  virtual void learn(const FusedDqnSteps& steps) = 0;
  /// Which memory holds what, in a few words.
  virtual std::string description() const = 0;
};

/// The interface of a device that has this op.
class FusedDqnOps {
 public:
  virtual ~FusedDqnOps() = default;
  /// Empty, or why the device cannot, as the end of a sentence: with the bytes that it needs and has.
  virtual std::string fused_dqn_unsupported_reason(const DenseChain& chain,
                                                   const FusedDqnOptions& options) const = 0;
  /// Throws: Error when unsupported, or when memory does not fit the chain. REQUIRES: the device outlives it.
  virtual std::unique_ptr<FusedDqn> make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                                   const FusedDqnMemory& memory) = 0;
};

}  // namespace bellman
