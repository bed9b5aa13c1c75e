// Every op: its mathematics, its shapes, what it overwrites and what it accumulates. A backend implements all
// of them; a missing one is a compile error. The definitions stand in core/reference/, as plain loops;
// core/cpu/ and cuda/ are held against them by one test body.
//
// Conventions: outputs come first, then inputs, then configuration. d<name> is the derivative of the loss
// with respect to <name>. An output is *overwritten* unless *accumulated* is said (then the op adds to it).
// Outputs never overlap inputs, unless *in place* is allowed. The mean over a batch is taken in the loss,
// never in a layer.
//
// Throws: every op throws Error, naming itself and both shapes, when shapes do not fit together.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "core/step_guard.h"
#include "core/tensor.h"

namespace bellman {

/// How a window moves over an image: symmetric zero padding (for pooling: padding that never wins) and
/// stride.
struct Window {
  Index kernel_h = 1, kernel_w = 1;
  Index stride_h = 1, stride_w = 1;
  Index padding_h = 0, padding_w = 0;

  /// Rows that windows over an image of `h` rows give: floor((h + 2 padding - kernel) / stride) + 1; below 1
  /// when the window does not fit.
  constexpr Index output_h(Index h) const { return extent(h, kernel_h, stride_h, padding_h); }
  constexpr Index output_w(Index w) const { return extent(w, kernel_w, stride_w, padding_w); }

 private:
  static constexpr Index extent(Index n, Index kernel, Index stride, Index padding) {
    return n + 2 * padding < kernel ? 0 : (n + 2 * padding - kernel) / stride + 1;
  }
};

/// What may follow a dense layer or a convolution within the same op.
enum class Activation { kRelu, kTanh, kSigmoid };

enum class LossKind { kMeanSquaredError, kHuber };

/// Kingma & Ba 2015, algorithm 1. AdamW (Loshchilov & Hutter 2019) when `decoupled`.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  bool decoupled =
      false;  // true: p shrinks by lr * weight_decay; false: the gradient grows by weight_decay * p
};

/// Hinton 2012 (lecture 6e); centred as in Graves 2013, eq. 38. PyTorch's order of terms, or, with
/// `epsilon_in_root`, that of Mnih et al. 2015; a variance that rounding made negative counts as 0.
struct RmsPropOptions {
  double alpha = 0.99;
  double epsilon = 1e-8;
  bool epsilon_in_root = false;  // the divisor is sqrt(v + epsilon) instead of sqrt(v) + epsilon
  double momentum = 0.0;
  double weight_decay = 0.0;
  bool centered = false;
};

/// v <- momentum v + (1 - dampening) g, p <- p - lr v; Nesterov: p <- p - lr (g + momentum v). PyTorch's
/// convention.
struct SgdOptions {
  double momentum = 0.0;
  double dampening = 0.0;
  double weight_decay = 0.0;
  bool nesterov = false;
};

/// A sequence of ops as a backend keeps it; null until it was run once, and always where there is nothing to
/// keep.
class Recording {
 public:
  virtual ~Recording() = default;
};

template <class T>
class BasicBackend;

/// Memory of a backend: owned, 64-byte aligned, zero when new. REQUIRES: the backend outlives it.
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
  /// The elements that start at byte `offset`. Throws: Error when they do not lie within the block.
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

  virtual ~BasicBackend() = default;
  BasicBackend() = default;
  BasicBackend(const BasicBackend&) = delete;
  BasicBackend& operator=(const BasicBackend&) = delete;

  /// "reference", "cpu", ...
  virtual const char* name() const = 0;

  // ---- memory
  // -------------------------------------------------------------------------------------------------
  /// Whether this backend's memory is the host's: views of it may then be read and written here.
  virtual bool is_on_host() const { return true; }
  /// 64-byte aligned zeroed memory. Throws: Error, with the bytes asked for, when there is not enough.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// From the host to this backend, from it to the host, and within it. The copy is complete on return
  /// (within a device: is ordered before every later op).
  virtual void upload(void* destination, const void* host_source, std::size_t bytes) = 0;
  virtual void download(void* host_destination, const void* source, std::size_t bytes) = 0;
  virtual void copy(void* destination, const void* source, std::size_t bytes) = 0;

  // ---- sequences
  /// Runs `ops`, which calls ops of this backend and neither uploads nor downloads. The same sequence is
  /// expected to come again and again with the same recording: a device keeps it there and starts it with one
  /// call (cuda/runtime.h); a CPU just runs it.
  virtual void run_recorded(std::unique_ptr<Recording>& /*recording*/, const std::function<void()>& ops) {
    ops();
  }

  // ---- elementwise
  // ----------------------------------------------------------------------------------------------
  /// x = value.
  virtual void fill(Out x, T value) = 0;
  /// y(N) accumulated: y += x(N). Any shape, the same for both.
  virtual void add(Out y, In x) = 0;

  // ---- dense
  // ----------------------------------------------------------------------------------------------------
  /// y(B,O) = x(B,I) w(O,I)^T + b(O).
  virtual void dense_forward(Out y, In x, In w, In b) = 0;
  /// y as dense_forward and z(B,O) = activation(y), in one op where a backend can; y is kept, for whoever
  /// looks inside.
  virtual void dense_activation_forward(Out z, Out y, In x, In w, In b, Activation activation);
  /// dw(O,I), db(O) accumulated; dx(B,I) overwritten, skipped when it is no tensor.
  virtual void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) = 0;

  // ---- images
  // ---------------------------------------------------------------------------------------------------
  /// Elements of T that conv2d_forward and conv2d_backward need as scratch for x(B,C,H,W) and w(O,C,KH,KW).
  virtual Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const = 0;
  /// Cross-correlation, as everybody's "convolution": y(B,O,OH,OW)[n,o,i,j] =
  /// b[o] + sum_{c,p,q} w(O,C,KH,KW)[o,c,p,q] x(B,C,H,W)[n, c, i stride_h + p - padding_h, j stride_w + q -
  /// padding_w].
  virtual void conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) = 0;
  /// y as conv2d_forward and z(B,O,OH,OW) = activation(y), in one op where a backend can.
  virtual void conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window,
                                         Activation activation, Out scratch);
  /// dw, db accumulated; dx overwritten, skipped when it is no tensor.
  virtual void conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                               Out scratch) = 0;
  /// y(B,C,OH,OW) = the maximum of each window of x(B,C,H,W).
  virtual void max_pool2d_forward(Out y, In x, const Window& window) = 0;
  /// dx overwritten: each dy goes to the first maximum of its window, in row-major order.
  virtual void max_pool2d_backward(Out dx, In dy, In x, const Window& window) = 0;

  // ---- activations: any shape, y = f(x); backward overwrites dx
  // -------------------------------------------------
  /// y = max(x, 0). The derivative at 0 is 0.
  virtual void relu_forward(Out y, In x) = 0;
  virtual void relu_backward(Out dx, In dy, In y) = 0;
  /// y = x for x > 0, slope x otherwise.
  virtual void leaky_relu_forward(Out y, In x, T slope) = 0;
  virtual void leaky_relu_backward(Out dx, In dy, In x, T slope) = 0;
  virtual void tanh_forward(Out y, In x) = 0;
  virtual void tanh_backward(Out dx, In dy, In y) = 0;
  /// y = 1 / (1 + exp(-x)).
  virtual void sigmoid_forward(Out y, In x) = 0;
  virtual void sigmoid_backward(Out dx, In dy, In y) = 0;

  // ---- normalisation
  // --------------------------------------------------------------------------------------------
  /// Ba et al. 2016. Per row of x(B,I): xhat = (x - mean) rstd, rstd = 1 / sqrt(variance + epsilon), with the
  /// biased variance; y = gamma(I) xhat + beta(I). Leaves mean(B) and rstd(B) for the backward pass.
  virtual void layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, T epsilon) = 0;
  /// dgamma, dbeta accumulated; dx overwritten, skipped when it is no tensor.
  virtual void layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                                   In rstd) = 0;

  // ---- dueling (Wang et al. 2016, eq. 9)
  // ------------------------------------------------------------------------
  /// q(B,A) = v(B,1) + a(B,A) - mean_a a.
  virtual void dueling_forward(Out q, In v, In a) = 0;
  /// dv, da overwritten.
  virtual void dueling_backward(Out dv, Out da, In dq) = 0;

  // ---- Q-learning
  // -----------------------------------------------------------------------------------------------
  /// action(B) = the smallest index of the largest q(B,A) of each row; some index of the row when it has a
  /// NaN.
  virtual void argmax(IntTensor action, In q) = 0;
  /// y(B) = reward(B) + discount(B) (1 - terminated(B)) q_target(B,A)[a*], where a* is the arg max of
  /// q_online(B,A) (Double DQN: van Hasselt et al. 2016) or, when q_online is no tensor, of q_target itself
  /// (Mnih et al. 2015). discount is gamma^k for a return of k steps; terminated is 0 or 1.
  virtual void td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) = 0;
  /// td_error(B) = y(B) - q(B,A)[action(B)];  loss(1) = 1/B sum_n weight(B)[n] l(td_error[n]), summed in
  /// double; dq(B,A) overwritten: zero but for the chosen actions. l(d) = d^2 (mean squared error) or
  /// Huber's: d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond.
  virtual void td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
                       LossKind kind, T delta) = 0;
  /// loss(1) = -1/B sum_n log softmax(logits(B,A)[n])[label(B)[n]]; dlogits overwritten.
  virtual void softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) = 0;

  // ---- the flat arena: p, g and optimiser state are blocks of one layout, (N)
  // -----------------------------------
  /// norm(1) = sqrt(sum g^2), summed in double.
  virtual void global_norm(Out norm, In g) = 0;
  /// g <- g min(1, max_norm / (norm + 1e-6)): clipping by global norm (Pascanu et al. 2013), PyTorch's 1e-6.
  virtual void clip_by_global_norm(Out g, In norm, T max_norm) = 0;
  /// Looks before an optimiser's step: guard[kHeld] = loss(1) or a number of g is not finite, or a step
  /// before has overflowed; guard[kPlace] = 1 + the first place of g that is not finite, 0 when there is
  /// none; guard[kSkipped] += guard[kHeld]. With Holding::kForGood a guard that holds is left as it is.
  virtual void guard_step(IntTensor guard, In loss, In g, Holding holding) = 0;
  // Each optimiser's step may be given a guard. One that holds makes it do nothing; otherwise the step's
  // number is `step` - guard[kSkipped], and guard[kOverflowed] becomes 1 when a number that was written is
  // not finite.
  /// One step, the `step`-th (from 1), of the whole network. m, v: first and second moment.
  virtual void adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step, const AdamOptions& options,
                         IntTensor guard = {}) = 0;
  /// square: running mean of g^2; mean: running mean of g (centred only, else no tensor); velocity: momentum
  /// buffer (with momentum only, else no tensor).
  virtual void rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, T learning_rate,
                            const RmsPropOptions& options, IntTensor guard = {}) = 0;
  /// velocity: momentum buffer, set to g at step 1 (with momentum only, else no tensor).
  virtual void sgd_step(Out p, Out velocity, In g, T learning_rate, Index step, const SgdOptions& options,
                        IntTensor guard = {}) = 0;
  /// target <- tau online + (1 - tau) target (Lillicrap et al. 2016); a plain copy for tau = 1.
  virtual void polyak_update(Out target, In online, T tau) = 0;

 protected:
  /// z = activation(y), as an op of its own.
  void activate(Out z, In y, Activation activation);
};

template <class T>
void BasicBackend<T>::dense_activation_forward(Out z, Out y, In x, In w, In b, Activation activation) {
  dense_forward(y, x, w, b);
  activate(z, y, activation);
}

template <class T>
void BasicBackend<T>::conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window,
                                                Activation activation, Out scratch) {
  conv2d_forward(y, x, w, b, window, scratch);
  activate(z, y, activation);
}

template <class T>
void BasicBackend<T>::activate(Out z, In y, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return relu_forward(z, y);
    case Activation::kTanh:
      return tanh_forward(z, y);
    case Activation::kSigmoid:
      return sigmoid_forward(z, y);
  }
}

template <class T>
Block<T>::Block(BasicBackend<T>& backend, std::size_t bytes)
    : backend_(&backend), data_(backend.allocate(bytes)), bytes_(bytes) {}

template <class T>
Block<T>::~Block() {
  if (data_) backend_->release(data_);
}

using Backend = BasicBackend<float>;

}  // namespace bellman
