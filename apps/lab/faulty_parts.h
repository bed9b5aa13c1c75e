// Parts of a trainer with a fault in them: a backend whose one op is wrong, an environment that tells its end wrongly, a
// learner that hands wrong priorities back. They stand here, beside the product: nothing in the library can be switched to
// wrong mathematics.
#pragma once

#include <memory>

#include "core/reference/reference_backend.h"
#include "envs/env.h"
#include "rl/learn/learner.h"

namespace bellman {

enum class Fault {
  kNone,
  kNoDoneMask,
  kTruncationAsTermination,
  kNoTargetNetwork,
  kWrongChooser,
  kTransposedDenseGradient,
  kUnflippedConvolution,
  kUnsummedBiasGradient,
  kNoImportanceWeights,
  kStalePriorities,
  kNoBiasCorrection,
  kReluGradientAtNegative,
  kNextEpisodesObservation,
};

/// The definitions, but for the faulty op.
template <class T>
class FaultyBackend final : public ReferenceBackend<T> {
 public:
  using typename BasicBackend<T>::Out;
  using typename BasicBackend<T>::In;
  explicit FaultyBackend(Fault fault) : fault_(fault) {}

 protected:
  void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override;
  void do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                          Out scratch) override;
  void do_activation_backward(Out dx, In dy, In kept, Activation f) override;
  void do_td_target(Out y, const TdTargetInputs<T>& in) override;
  void do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight, LossKind kind,
                  T delta) override;
  void do_adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step, const AdamOptions& options,
                    IntTensor guard) override;

 private:
  Fault fault_;
};

extern template class FaultyBackend<float>;
extern template class FaultyBackend<double>;

/// The environment, or around it one that tells its end wrongly.
std::unique_ptr<Env> faulty_env(Fault fault, std::unique_ptr<Env> env);

/// The learner, or around it one that hands the same TD error back for every transition.
std::unique_ptr<Learner> faulty_learner(Fault fault, std::unique_ptr<Learner> learner);

}  // namespace bellman
