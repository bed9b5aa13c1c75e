// Every op: its mathematics, its shapes, what it overwrites and what it accumulates. An op checks its
// arguments, once for all backends, and calls the backend's do_<op> (both in core/ops/backend_ops.h).
// core/reference/ defines the ops as plain loops; one test body compares core/cpu/ and cuda/ with them.
//
// Conventions: outputs come first, then inputs, then configuration. d<name> is the derivative of the loss
// with respect to <name>. An output is overwritten unless the comment says *accumulated* (the op then adds to
// it). Outputs never overlap inputs. The mean over a batch is taken in the loss, never in a layer.
//
// Throws: every op throws Error, naming itself and both shapes, when shapes do not fit together.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "core/base/tensor.h"
#include "core/ops/backend_ops.h"
#include "core/ops/op_options.h"

namespace bellman {

/// A recorded sequence of ops. Null before its first run, and always for a backend that records nothing.
class Recording {
 public:
  virtual ~Recording() = default;
};

template <class T>
class BasicBackend;

/// Owned memory of a backend, 64-byte aligned and initially zero. REQUIRES: the backend outlives it.
template <class T>
class Block {
 public:
  Block() = default;
  Block(BasicBackend<T>& backend, std::size_t bytes);
  Block(Block&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Block();

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// The elements that start at byte `offset`. Throws: Error when they exceed the block.
  template <class U>
  TensorView<U> view(const Shape& shape, std::size_t offset = 0) const {
    const std::size_t size = static_cast<std::size_t>(shape.elements()) * sizeof(U);
    if (offset > bytes_ || size > bytes_ - offset)
      fail("a view of ", size, " bytes at ", offset, " does not fit a block of ", bytes_, " bytes");
    return {reinterpret_cast<U*>(static_cast<std::byte*>(data_) + offset), shape};
  }

 private:
  BasicBackend<T>* backend_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The ops over numbers of type T: float for training, double for checking. Not thread-safe: one caller at a
/// time.
template <class T>
class BasicBackend {
 public:
  using Out = TensorView<T>;
  using In = TensorView<const T>;
  using Number = T;

  virtual ~BasicBackend() = default;
  BasicBackend() = default;
  BasicBackend(const BasicBackend&) = delete;
  BasicBackend& operator=(const BasicBackend&) = delete;

  /// "reference", "cpu", ...
  virtual const char* name() const = 0;

  // ---- memory
  /// Whether this backend's memory is host memory, which the caller may then access through views.
  virtual bool is_on_host() const { return true; }
  /// 64-byte aligned zeroed memory. Throws: Error, with the bytes requested, when there is not enough.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// Copies from the host, to the host, and within the backend. The copy is complete on return; within a
  /// device it is ordered before every later op.
  virtual void upload(void* destination, const void* host_source, std::size_t bytes) = 0;
  virtual void download(void* host_destination, const void* source, std::size_t bytes) = 0;
  virtual void copy(void* destination, const void* source, std::size_t bytes) = 0;

  // ---- sequences
  /// Runs `ops`, which calls ops of this backend and neither uploads nor downloads. The caller repeats the
  /// same sequence with the same `recording`: a device records it and replays it in one call
  /// (cuda/base/runtime.h); a CPU just runs it.
  virtual void run_recorded(std::unique_ptr<Recording>& /*recording*/, const std::function<void()>& ops) {
    ops();
  }

  // ---- elementwise
  /// x = value.
  void fill(Out x, T value) {
    check_fill(x);
    do_fill(x, value);
  }
  /// y(N) accumulated: y += x(N). Any shape, the same for both.
  void add(Out y, In x) {
    check_add(y, x);
    do_add(y, x);
  }

  // ---- dense
  /// y(B,O) = x(B,I) w(O,I)^T + b(O).
  void dense_forward(Out y, In x, In w, In b) {
    check_dense_forward(y, x, w, b);
    do_dense_forward(y, x, w, b);
  }
  /// y as dense_forward and z(B,O) = activation(y), in one op where the backend has one. y is kept for
  /// inspection.
  void dense_activation_forward(Out z, Out y, In x, In w, In b, Activation activation) {
    check_dense_forward(y, x, w, b);
    check_activation_forward(z, y, activation);
    do_dense_activation_forward(z, y, x, w, b, activation);
  }
  /// dw(O,I), db(O) accumulated; dx(B,I) overwritten, skipped when it is no tensor.
  void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
    check_dense_backward(dx, dw, db, dy, x, w);
    do_dense_backward(dx, dw, db, dy, x, w);
  }

  // ---- images
  /// Elements of T that conv2d_forward and conv2d_backward need as scratch, for x(B,C,H,W) and w(O,C,KH,KW).
  Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
    checked_conv2d_output("conv2d_scratch", x, w, window);
    return do_conv2d_scratch(x, w, window);
  }
  /// Convolution as in other frameworks, that is, cross-correlation: with w(O,C,KH,KW) and x(B,C,H,W),
  ///   y(B,O,OH,OW)[n,o,i,j] = b[o] + sum_{c,p,q} w[o,c,p,q] x[n,c,h,v],
  ///   h = i stride_h + p - padding_h,   v = j stride_w + q - padding_w
  void conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) {
    check_conv2d_forward(y, x, w, b, window);
    check_scratch("conv2d_forward", scratch, do_conv2d_scratch(x.shape(), w.shape(), window));
    do_conv2d_forward(y, x, w, b, window, scratch);
  }
  /// y as conv2d_forward and z(B,O,OH,OW) = activation(y), in one op where the backend has one.
  void conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window, Activation activation,
                                 Out scratch) {
    check_conv2d_forward(y, x, w, b, window);
    check_scratch("conv2d_forward", scratch, do_conv2d_scratch(x.shape(), w.shape(), window));
    check_activation_forward(z, y, activation);
    do_conv2d_activation_forward(z, y, x, w, b, window, activation, scratch);
  }
  /// dw, db accumulated; dx overwritten, skipped when it is no tensor.
  void conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window, Out scratch) {
    check_conv2d_backward(dx, dw, db, dy, x, w, window);
    check_scratch("conv2d_backward", scratch, do_conv2d_scratch(x.shape(), w.shape(), window));
    do_conv2d_backward(dx, dw, db, dy, x, w, window, scratch);
  }
  /// y(B,C,OH,OW) = the maximum of each window of x(B,C,H,W).
  void max_pool2d_forward(Out y, In x, const Window& window) {
    check_max_pool2d_forward(y, x, window);
    do_max_pool2d_forward(y, x, window);
  }
  /// dx overwritten: each dy goes to the first maximum of its window, in row-major order.
  void max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
    check_max_pool2d_backward(dx, dy, x, window);
    do_max_pool2d_backward(dx, dy, x, window);
  }

  // ---- activations: y = f(x) elementwise, for any shape (core/ops/op_options.h)
  void activation_forward(Out y, In x, Activation f) {
    check_activation_forward(y, x, f);
    do_activation_forward(y, x, f);
  }
  /// dx = dy f'(x), overwritten. `kept` is y if info_of(f.kind).keeps_output, else x.
  void activation_backward(Out dx, In dy, In kept, Activation f) {
    check_activation_backward(dx, dy, kept, f);
    do_activation_backward(dx, dy, kept, f);
  }

  // ---- normalisation
  /// Ba et al. 2016, for each row of x(B,I), with the biased variance:
  ///   rstd = 1 / sqrt(variance + epsilon),   xhat = (x - mean) rstd,   y = gamma(I) xhat + beta(I)
  /// mean(B) and rstd(B) are for the backward pass.
  void layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, T epsilon) {
    check_layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
    do_layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
  }
  /// dgamma, dbeta accumulated; dx overwritten, skipped when it is no tensor.
  void layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean, In rstd) {
    check_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
    do_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
  }

  // ---- dueling (Wang et al. 2016, eq. 9)
  /// q(B,A) = v(B,1) + a(B,A) - mean_a a.
  void dueling_forward(Out q, In v, In a) {
    check_dueling_forward(q, v, a);
    do_dueling_forward(q, v, a);
  }
  /// dv, da overwritten.
  void dueling_backward(Out dv, Out da, In dq) {
    check_dueling_backward(dv, da, dq);
    do_dueling_backward(dv, da, dq);
  }

  // ---- Q-learning
  /// action(B) = the smallest index of each row's largest q(B,A); with a NaN in the row, any index of it.
  void argmax(IntTensor action, In q) {
    check_argmax(action, q);
    do_argmax(action, q);
  }
  /// y(B) = reward(B) + discount(B) (1 - terminated(B)) q_target(B,A)[a*]. a* is the arg max of q_online(B,A)
  /// (Double DQN: van Hasselt et al. 2016) or, without q_online, of q_target (Mnih et al. 2015).
  /// TdTargetInputs has other targets.
  void td_target(Out y, const TdTargetInputs<T>& in) {
    check_td_target(y, in);
    do_td_target(y, in);
  }
  ///   td_error(B) = y(B) - q(B,A)[action(B)]
  ///   loss(1) = 1/B sum_n weight(B)[n] l(td_error[n]), summed in double
  /// dq(B,A) overwritten: zero except for the chosen actions. l(d) = d^2 (mean squared error) or Huber's:
  /// d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond.
  void td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight, LossKind kind,
               T delta) {
    check_td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
    do_td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
  }
  /// loss(1) = -1/B sum_n log softmax(logits(B,A)[n])[label(B)[n]]; dlogits overwritten.
  void softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
    check_softmax_cross_entropy(dlogits, loss, logits, label);
    do_softmax_cross_entropy(dlogits, loss, logits, label);
  }

  // ---- the flat arena: p, g and optimiser state are blocks (N) of one layout
  /// norm(1) = sqrt(sum g^2), summed in double.
  void global_norm(Out norm, In g) {
    check_global_norm(norm, g);
    do_global_norm(norm, g);
  }
  /// g <- g min(1, max_norm / (norm + 1e-6)): clipping by global norm (Pascanu et al. 2013), with PyTorch's
  /// 1e-6.
  void clip_by_global_norm(Out g, In norm, T max_norm) {
    check_clip_by_global_norm(g, norm, max_norm);
    do_clip_by_global_norm(g, norm, max_norm);
  }
  /// Checks before an optimiser's step:
  ///   guard[kHeld]    = 1 when loss(1) or a number of g is not finite or an earlier step overflowed, else 0
  ///   guard[kPlace]   = 1 + index of the first non-finite number of g; 0 when there is none
  ///   guard[kSkipped] += guard[kHeld]
  /// With SkipPolicy::kForGood, a guard that already holds stays unchanged.
  void guard_step(IntTensor guard, In loss, In g, SkipPolicy policy) {
    check_guard_step(guard, loss, g);
    do_guard_step(guard, loss, g, policy);
  }
  // An optimiser's step may get a guard. If the guard holds, the step does nothing. Otherwise the step's
  // number is `step` - guard[kSkipped], and guard[kOverflowed] becomes 1 when a written number is not finite.
  /// The `step`-th step (from 1) of the whole network. m, v: first and second moment.
  void adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step, const AdamOptions& options,
                 IntTensor guard = {}) {
    check_adam_step(p, m, v, g, learning_rate, step, options, guard);
    do_adam_step(p, m, v, g, learning_rate, step, options, guard);
  }
  /// square: running mean of g^2; mean: running mean of g (centred only); velocity: momentum buffer (momentum
  /// only). The latter two are otherwise no tensors.
  void rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, T learning_rate,
                    const RmsPropOptions& options, IntTensor guard = {}) {
    check_rmsprop_step(p, square, mean, velocity, g, learning_rate, options, guard);
    do_rmsprop_step(p, square, mean, velocity, g, learning_rate, options, guard);
  }
  /// velocity: momentum buffer, set to g at step 1 (with momentum only, otherwise no tensor).
  void sgd_step(Out p, Out velocity, In g, T learning_rate, Index step, const SgdOptions& options,
                IntTensor guard = {}) {
    check_sgd_step(p, velocity, g, learning_rate, step, options, guard);
    do_sgd_step(p, velocity, g, learning_rate, step, options, guard);
  }
  /// target <- tau online + (1 - tau) target (Lillicrap et al. 2016); a plain copy for tau = 1.
  void polyak_update(Out target, In online, T tau) {
    check_polyak_update(target, online, tau);
    do_polyak_update(target, online, tau);
  }

 protected:
  BELLMAN_BACKEND_OPS(virtual, = 0)
  virtual void do_dense_activation_forward(Out z, Out y, In x, In w, In b, Activation f) {
    do_dense_forward(y, x, w, b);
    do_activation_forward(z, y, f);
  }
  virtual void do_conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window,
                                            Activation f, Out scratch) {
    do_conv2d_forward(y, x, w, b, window, scratch);
    do_activation_forward(z, y, f);
  }
};

template <class T>
Block<T>::Block(BasicBackend<T>& backend, std::size_t bytes)
    : backend_(&backend), data_(backend.allocate(bytes)), bytes_(bytes) {}

template <class T>
Block<T>::~Block() {
  if (data_) backend_->release(data_);
}

using Backend = BasicBackend<float>;

}  // namespace bellman
