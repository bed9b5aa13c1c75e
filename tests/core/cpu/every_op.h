// Every op of a backend, ready to be called: for what must hold of all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/op_run.h"

namespace bellman::test {

/// The tensors lie ready; sizes are such that several threads get work, and no sum is a whole number of
/// vectors.
class EveryOp {
 public:
  struct Op {
    std::string name;
    std::function<void()> call;
  };

  explicit EveryOp(Backend& backend) : run_(backend) {
    add_dense(128, 200, 150);
    add_dense(64, 64, 2);
    add_dense(64, 4, 64);
    add_dense(1, 64, 64);
    add_dense(512, 4, 256);   // for a GPU's larger tiles
    add_dense(37, 523, 519);  // weights that no cache holds
    add_conv2d({5, 7, 21, 19}, 33, {3, 4, 2, 1, 1, 2});
    add_conv2d({3, 2, 5, 5}, 4, {3, 3, 1, 1, 0, 0});
    add_max_pool2d({4, 16, 31, 33}, {3, 3, 2, 2, 1, 1});
    add_activations({70001});
    add_layer_norm(130, 333);
    add_q_learning(67, 5);
    add_optimizers(70003);
  }

  const std::vector<Op>& ops() const { return ops_; }
  /// All numbers that the ops called so far have written.
  Outputs outputs() { return run_.outputs(); }

 private:
  Numbers random(const Shape& shape, double low = -1) { return random_tensor<float>(random_, shape, low, 1); }
  TensorView<const float> in(const Shape& shape, double low = -1) { return run_.in(random(shape, low)); }
  /// For what is accumulated or changed: not zero before.
  Tensor inout(const Shape& shape, double low = -1) { return run_.out(random(shape, low)); }
  Tensor out(const Shape& shape) { return run_.out(shape); }
  void add(const char* name, std::function<void()> call) { ops_.push_back({name, std::move(call)}); }

  void add_dense(Index B, Index I, Index O) {
    Backend& backend = run_.backend();
    const auto x = in({B, I}), w = in({O, I}), b = in({O}), dy = in({B, O});
    const auto y = out({B, O}), dx = out({B, I}), dw = inout({O, I}), db = inout({O});
    add("dense_forward", [=, &backend] { backend.dense_forward(y, x, w, b); });
    add("dense_backward", [=, &backend] { backend.dense_backward(dx, dw, db, dy, x, w); });
  }

  void add_conv2d(const Shape& image, Index O, const Window& window) {
    Backend& backend = run_.backend();
    const Shape w_shape = {O, image[1], window.kernel_h, window.kernel_w};
    const Shape y_shape = {image[0], O, window.output_h(image[2]), window.output_w(image[3])};
    const auto x = in(image), w = in(w_shape), b = in({O}), dy = in(y_shape);
    const auto y = out(y_shape), dx = out(image), dw = inout(w_shape), db = inout({O});
    const auto scratch = run_.scratch(backend.conv2d_scratch(image, w_shape, window));
    add("conv2d_forward", [=, &backend] { backend.conv2d_forward(y, x, w, b, window, scratch); });
    const auto z = out(y_shape), y_of_z = out(y_shape);
    add("conv2d_activation_forward", [=, &backend] {
      backend.conv2d_activation_forward(z, y_of_z, x, w, b, window, Activation::kRelu, scratch);
    });
    add("conv2d_backward", [=, &backend] { backend.conv2d_backward(dx, dw, db, dy, x, w, window, scratch); });
  }

  void add_max_pool2d(const Shape& image, const Window& window) {
    Backend& backend = run_.backend();
    const Shape y_shape = {image[0], image[1], window.output_h(image[2]), window.output_w(image[3])};
    const auto x = in(image), dy = in(y_shape);
    const auto y = out(y_shape), dx = out(image);
    add("max_pool2d_forward", [=, &backend] { backend.max_pool2d_forward(y, x, window); });
    add("max_pool2d_backward", [=, &backend] { backend.max_pool2d_backward(dx, dy, x, window); });
  }

  void add_activations(const Shape& shape) {
    Backend& backend = run_.backend();
    const auto x = in(shape), dy = in(shape);
    for (const ActivationInfo& info : kActivations) {
      const Activation f(info.kind, info.usual);
      const auto y = out(shape), dx = out(shape);
      add(info.name, [=, &backend] { backend.activation_forward(y, x, f); });
      add(info.name, [=, &backend] { backend.activation_backward(dx, dy, x, f); });
    }
  }

  void add_layer_norm(Index B, Index I) {
    Backend& backend = run_.backend();
    const auto x = in({B, I}), gamma = in({I}), beta = in({I}), dy = in({B, I});
    const auto y = out({B, I}), mean = out({B}), rstd = out({B}), dx = out({B, I});
    const auto dgamma = inout({I}), dbeta = inout({I});
    add("layer_norm_forward",
        [=, &backend] { backend.layer_norm_forward(y, mean, rstd, x, gamma, beta, 1e-5F); });
    add("layer_norm_backward",
        [=, &backend] { backend.layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd); });
  }

  void add_q_learning(Index B, Index A) {
    Backend& backend = run_.backend();
    const auto q = in({B, A}), other_q = in({B, A}), v = in({B, 1}), dq = in({B, A});
    const auto number = in({B}), weight = in({B});
    const auto index = run_.in(HostTensor<std::int32_t>({B}, 1));
    const auto dueling = out({B, A}), dv = out({B, 1}), da = out({B, A}), y = out({B});
    const auto d_loss = out({B, A}), td_error = out({B}), loss = out({1});
    const auto dlogits = out({B, A}), entropy = out({1});
    chosen_ = Block<float>(backend, static_cast<std::size_t>(B) * sizeof(std::int32_t));
    const IntTensor action = chosen_.view<std::int32_t>({B});
    add("dueling_forward", [=, &backend] { backend.dueling_forward(dueling, v, q); });
    add("dueling_backward", [=, &backend] { backend.dueling_backward(dv, da, dq); });
    add("argmax", [=, &backend] { backend.argmax(action, q); });
    add("td_target", [=, &backend] { backend.td_target(y, {q, other_q, number, weight, number}); });
    const auto soft_y = out({B});
    add("td_target", [=, &backend] {
      backend.td_target(soft_y, {q, {}, number, weight, number, other_q, index, 0.9, 0.03, -1});
    });
    add("td_loss", [=, &backend] {
      backend.td_loss(d_loss, td_error, loss, q, index, number, weight, LossKind::kHuber, 1.0F);
    });
    add("softmax_cross_entropy",
        [=, &backend] { backend.softmax_cross_entropy(dlogits, entropy, q, index); });
  }

  void add_optimizers(Index n) {
    Backend& backend = run_.backend();
    const auto g = in({n});
    const auto p = inout({n}), m = inout({n}), v = inout({n}, 0.5), mean = inout({n}, 0.5),
               added = inout({n});
    const auto clipped = inout({n}), norm = out({1}), target = inout({n}), filled = out({n});
    add("fill", [=, &backend] { backend.fill(filled, 0.25F); });
    add("add", [=, &backend] { backend.add(added, g); });
    add("global_norm", [=, &backend] { backend.global_norm(norm, clipped); });
    add("clip_by_global_norm", [=, &backend] { backend.clip_by_global_norm(clipped, norm, 0.5F); });
    guard_ = Block<float>(backend, kGuardWords * sizeof(std::int32_t));
    const IntTensor guard = guard_.view<std::int32_t>({kGuardWords});
    add("guard_step", [=, &backend] { backend.guard_step(guard, norm, g, SkipPolicy::kOneStep); });
    add("adam_step with a guard", [=, &backend] { backend.adam_step(p, m, v, g, 0.01F, 3, {}, guard); });
    add("adam_step", [=, &backend] { backend.adam_step(p, m, v, g, 0.01F, 3, {}); });
    add("rmsprop_step", [=, &backend] {
      backend.rmsprop_step(
          p, v, mean, m, g, 0.01F,
          {.alpha = 0.99, .epsilon = 1e-8, .momentum = 0.9, .weight_decay = 0, .centered = true});
    });
    add("sgd_step", [=, &backend] {
      backend.sgd_step(p, m, g, 0.01F, 3,
                       {.momentum = 0.9, .dampening = 0, .weight_decay = 0, .nesterov = true});
    });
    add("polyak_update", [=, &backend] { backend.polyak_update(target, g, 0.005F); });
  }

  RandomSequence random_ = test_sequence(19);
  OpRun<float> run_;
  Block<float> chosen_, guard_;
  std::vector<Op> ops_;
};

}  // namespace bellman::test
