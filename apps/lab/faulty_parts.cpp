#include "apps/lab/faulty_parts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "rl/learn/learner_around.h"

namespace bellman {
namespace {

/// Memory for a tensor that is thrown away.
template <class T>
class Temporary {
 public:
  explicit Temporary(const Shape& shape)
      : values_(static_cast<std::size_t>(shape.elements())), shape_(shape) {}
  TensorView<T> view() { return TensorView<T>(values_.data(), shape_); }

 private:
  std::vector<T> values_;
  Shape shape_;
};

}  // namespace

template <class T>
void FaultyBackend<T>::do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  if (fault_ == Fault::kTransposedDenseGradient) {
    Temporary<T> right(dw.shape());
    ReferenceBackend<T>::do_dense_backward(dx, right.view(), db, dy, x, w);
    const Index outputs = dw[0], inputs = dw[1];
    for (Index j = 0; j < outputs; ++j)  // as if dw were (I,O)
      for (Index i = 0; i < inputs; ++i) dw.data()[i * outputs + j] += right.view().data()[j * inputs + i];
  } else if (fault_ == Fault::kUnsummedBiasGradient) {
    Temporary<T> right(db.shape());
    ReferenceBackend<T>::do_dense_backward(dx, dw, right.view(), dy, x, w);
    const Index last = dy[0] - 1;
    for (Index j = 0; j < db[0]; ++j) db.data()[j] += dy.data()[last * db[0] + j];
  } else {
    ReferenceBackend<T>::do_dense_backward(dx, dw, db, dy, x, w);
  }
}

template <class T>
void FaultyBackend<T>::do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                          Out scratch) {
  ReferenceBackend<T>::do_conv2d_backward(fault_ == Fault::kUnflippedConvolution ? Out() : dx, dw, db, dy, x,
                                          w, window, scratch);
  if (fault_ != Fault::kUnflippedConvolution || !dx) return;
  // The kernel the other way round in both directions; its gradients were taken above.
  Temporary<T> turned(w.shape()), no_dw(dw.shape()), no_db(db.shape());
  const Index size = w[2] * w[3];
  for (Index k = 0; k < w[0] * w[1]; ++k)
    for (Index i = 0; i < size; ++i) turned.view().data()[k * size + i] = w.data()[k * size + size - 1 - i];
  ReferenceBackend<T>::do_conv2d_backward(dx, no_dw.view(), no_db.view(), dy, x, turned.view(), window,
                                          scratch);
}

template <class T>
void FaultyBackend<T>::do_activation_backward(Out dx, In dy, In kept, Activation f) {
  if (fault_ == Fault::kReluGradientAtNegative && f.kind == Activation::kRelu)
    std::copy(dy.data(), dy.data() + dy.elements(), dx.data());
  else
    ReferenceBackend<T>::do_activation_backward(dx, dy, kept, f);
}

template <class T>
void FaultyBackend<T>::do_td_target(Out y, const TdTargetInputs<T>& in) {
  TdTargetInputs<T> wrong = in;
  Temporary<T> never(y.shape());
  if (fault_ == Fault::kNoDoneMask) wrong.terminated = never.view();
  if (fault_ == Fault::kWrongChooser && in.q_online) std::swap(wrong.q_online, wrong.q_target);
  ReferenceBackend<T>::do_td_target(y, wrong);
}

template <class T>
void FaultyBackend<T>::do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y,
                                  In weight, LossKind kind, T delta) {
  Temporary<T> ones(y.shape());
  std::fill_n(ones.view().data(), y.elements(), T(1));
  ReferenceBackend<T>::do_td_loss(dq, td_error, loss, q, action, y,
                                  fault_ == Fault::kNoImportanceWeights ? In(ones.view()) : weight, kind,
                                  delta);
}

template <class T>
void FaultyBackend<T>::do_adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step,
                                    const AdamOptions& options, IntTensor guard) {
  constexpr Index kLate = Index{1} << 30;  // where 1 - beta^t is 1
  ReferenceBackend<T>::do_adam_step(p, m, v, g, learning_rate,
                                    fault_ == Fault::kNoBiasCorrection ? kLate : step, options, guard);
}

template class FaultyBackend<float>;
template class FaultyBackend<double>;

namespace {

/// Hands everything on.
class EnvAround : public Env {
 public:
  explicit EnvAround(std::unique_ptr<Env> env) : env_(std::move(env)) {}
  const EnvSpec& spec() const override { return env_->spec(); }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override { env_->reset(); }
  StepResult step(int action) override { return env_->step(action); }
  void observe(std::span<float> out) const override { env_->observe(out); }
  std::vector<double> state() const override { return env_->state(); }
  void set_state(std::span<const double> state) override { env_->set_state(state); }
  void set_physical_state(std::span<const double> values) override { env_->set_physical_state(values); }

 protected:
  std::unique_ptr<Env> env_;
};

/// A time limit counts as the end of the task.
class TruncationAsTermination final : public EnvAround {
 public:
  using EnvAround::EnvAround;
  StepResult step(int action) override {
    StepResult result = env_->step(action);
    if (result.truncated) result = {result.reward, true, false};
    return result;
  }
};

/// After an episode's last step it shows the next episode's first observation, as vector environments that reset
/// themselves do.
class NextEpisodesObservation final : public EnvAround {
 public:
  using EnvAround::EnvAround;
  void reset() override {
    if (!is_reset_) env_->reset();
    is_reset_ = false;
  }
  StepResult step(int action) override {
    const StepResult result = env_->step(action);
    if (result.terminated || result.truncated) {
      env_->reset();
      is_reset_ = true;
    }
    return result;
  }

 private:
  bool is_reset_ = false;
};

class StalePriorities final : public LearnerAround {
 public:
  using LearnerAround::LearnerAround;
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    const LearnStats stats = inner().learn(batch, learning_rate, td_error);
    std::fill(td_error.begin(), td_error.end(), 1.0F);
    return stats;
  }
};

}  // namespace

std::unique_ptr<Env> faulty_env(Fault fault, std::unique_ptr<Env> env) {
  if (fault == Fault::kTruncationAsTermination)
    return std::make_unique<TruncationAsTermination>(std::move(env));
  if (fault == Fault::kNextEpisodesObservation)
    return std::make_unique<NextEpisodesObservation>(std::move(env));
  return env;
}

std::unique_ptr<Learner> faulty_learner(Fault fault, std::unique_ptr<Learner> learner) {
  if (fault == Fault::kStalePriorities) return std::make_unique<StalePriorities>(std::move(learner));
  return learner;
}

}  // namespace bellman
