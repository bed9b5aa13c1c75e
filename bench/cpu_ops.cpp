// Every op of the CPU backend at the sizes of real networks, or one at a size that somebody asks for.
#include "bench/cpu_ops.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "bench/timed_op.h"

namespace bellman::bench {
namespace {

void add(const std::string& name, const Cost& cost, const Setup& setup, const Setup& to_check,
         bool shared = false) {
  add_timed_op(name, cost, setup, to_check, shared);
}
void add(const std::string& name, const Cost& cost, const Setup& setup) { add(name, cost, setup, setup); }

// ---- dense

void add_dense(Index B, Index I, Index O, bool shared) {
  const std::string size = "/" + std::to_string(B) + "x" + std::to_string(I) + "->" + std::to_string(O);
  const double work = static_cast<double>(B * I * O);
  const double x_bytes = 4.0 * static_cast<double>(B * I), y_bytes = 4.0 * static_cast<double>(B * O);
  const double w_bytes = 4.0 * static_cast<double>(O * (I + 1));  // and b
  const auto forward = [=](Index batch) -> Setup {
    return [=](Tensors& t) -> std::function<void()> {
      const Tensor y = t({batch, O}), x = t({batch, I}), w = t({O, I}), b = t({O});
      return [=, &backend = t.backend()] { backend.dense_forward(y, x, w, b); };
    };
  };
  const auto backward = [=](Index batch, bool with_dx) -> Setup {
    return [=](Tensors& t) -> std::function<void()> {
      const Tensor dx = with_dx ? t({batch, I}) : Tensor(), dw = t({O, I}), db = t({O});
      const Tensor dy = t({batch, O}), x = t({batch, I}), w = t({O, I});
      return [=, &backend = t.backend()] { backend.dense_backward(dx, dw, db, dy, x, w); };
    };
  };
  // The definition is slow: of a large layer some samples are checked.
  const Index some = std::clamp<Index>(Index{100'000'000} / (I * O), 1, B);
  // dw and db are added to: read and written.
  const double backward_bytes = y_bytes + x_bytes + 2 * w_bytes;
  add("dense_forward" + size, {work, x_bytes + w_bytes + y_bytes}, forward(B), forward(some), shared);
  add("dense_backward" + size, {2 * work, backward_bytes + w_bytes + x_bytes}, backward(B, true),
      backward(some, true), shared);
  add("dense_backward_without_dx" + size, {work, backward_bytes}, backward(B, false), backward(some, false),
      shared);
}

// ---- images

void add_conv2d(const Shape& image, Index O, const Window& window, Index batch) {
  const Index OH = window.output_h(image[1]), OW = window.output_w(image[2]);
  const Shape w_shape = {O, image[0], window.kernel_h, window.kernel_w};
  std::ostringstream size;
  size << "/" << batch << "x" << image << "->" << Shape({O, OH, OW});
  const Index some = std::min<Index>(batch, 2);
  const double work = static_cast<double>(batch * w_shape.elements() * OH * OW);
  const double x_bytes = 4.0 * static_cast<double>(batch * image.elements());
  const double y_bytes = 4.0 * static_cast<double>(batch * O * OH * OW);
  const double w_bytes = 4.0 * static_cast<double>(w_shape.elements() + O);  // and b
  const auto forward = [=](Index B) -> Setup {
    return [=](Tensors& t) -> std::function<void()> {
      const Tensor y = t({B, O, OH, OW}), x = t(image.with_batch(B)), w = t(w_shape), b = t({O});
      const Tensor scratch = t.scratch(t.backend().conv2d_scratch(x.shape(), w_shape, window));
      return [=, &backend = t.backend()] { backend.conv2d_forward(y, x, w, b, window, scratch); };
    };
  };
  const auto backward = [=](Index B, bool with_dx) -> Setup {
    return [=](Tensors& t) -> std::function<void()> {
      const Tensor dx = with_dx ? t(image.with_batch(B)) : Tensor(), dw = t(w_shape), db = t({O});
      const Tensor dy = t({B, O, OH, OW}), x = t(image.with_batch(B)), w = t(w_shape);
      const Tensor scratch = t.scratch(t.backend().conv2d_scratch(x.shape(), w_shape, window));
      return [=, &backend = t.backend()] { backend.conv2d_backward(dx, dw, db, dy, x, w, window, scratch); };
    };
  };
  // The definition is slow: two samples are checked.
  add("conv2d_forward" + size.str(), {work, x_bytes + w_bytes + y_bytes}, forward(batch), forward(some),
      true);
  add("conv2d_backward" + size.str(), {2 * work, y_bytes + 2 * x_bytes + 3 * w_bytes}, backward(batch, true),
      backward(some, true), true);
  add("conv2d_backward_without_dx" + size.str(), {work, y_bytes + x_bytes + 2 * w_bytes},
      backward(batch, false), backward(some, false));
}

void add_max_pool2d(const Shape& image, const Window& window, Index batch) {
  const Shape x_shape = image.with_batch(batch);
  const Shape y_shape = {batch, image[0], window.output_h(image[1]), window.output_w(image[2])};
  std::ostringstream size;
  size << "/" << batch << "x" << image << "->" << Shape({y_shape[1], y_shape[2], y_shape[3]});
  const double bytes = 4.0 * static_cast<double>(x_shape.elements() + y_shape.elements());
  add("max_pool2d_forward" + size.str(), {0, bytes}, [=](Tensors& t) -> std::function<void()> {
    const Tensor y = t(y_shape), x = t(x_shape);
    return [=, &backend = t.backend()] { backend.max_pool2d_forward(y, x, window); };
  });
  add("max_pool2d_backward" + size.str(), {0, 2 * bytes}, [=](Tensors& t) -> std::function<void()> {
    const Tensor dx = t(x_shape), dy = t(y_shape), x = t(x_shape);
    return [=, &backend = t.backend()] { backend.max_pool2d_backward(dx, dy, x, window); };
  });
}

// ---- element by element

void add_elementwise(Index n) {
  const std::string size = "/" + std::to_string(n);
  const double array = 4.0 * static_cast<double>(n);
  for (const ActivationInfo& info : kActivations) {
    const Activation f(info.kind, info.usual);
    const std::string name = info.name;
    // Operations of an element, by the definition; exponentials and what is made of them are not counted.
    const bool rectifier = f.kind == Activation::kRelu || f.kind == Activation::kLeakyRelu;
    const double operations = static_cast<double>(n) * (rectifier ? 1 : 0);
    add(name + "_forward" + size, {0, 2 * array, operations}, [=](Tensors& t) -> std::function<void()> {
      const Tensor y = t({n}), x = t({n});
      return [=, &backend = t.backend()] { backend.activation_forward(y, x, f); };
    });
    const double of_slope = static_cast<double>(n) * (rectifier ? 1 : info.keeps_output ? 3 : 0);
    add(name + "_backward" + size, {0, 3 * array, of_slope}, [=](Tensors& t) -> std::function<void()> {
      const Tensor dx = t({n}), dy = t({n}), kept = t({n});
      return [=, &backend = t.backend()] { backend.activation_backward(dx, dy, kept, f); };
    });
  }
  add("fill" + size, {0, array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor x = t({n});
    return [=, &backend = t.backend()] { backend.fill(x, 0.0F); };
  });
}

void add_layer_norm(Index B, Index I) {
  const std::string size = "/" + std::to_string(B) + "x" + std::to_string(I);
  const double array = 4.0 * static_cast<double>(B * I);
  add("layer_norm_forward" + size, {0, 2 * array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor y = t({B, I}), mean = t({B}), rstd = t({B}), x = t({B, I}), gamma = t({I}), beta = t({I});
    return [=, &backend = t.backend()] { backend.layer_norm_forward(y, mean, rstd, x, gamma, beta, 1e-5F); };
  });
  add("layer_norm_backward" + size, {0, 3 * array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor dx = t({B, I}), dgamma = t({I}), dbeta = t({I}), dy = t({B, I}), x = t({B, I}),
                 gamma = t({I});
    const Tensor mean = t({B}), rstd = t({B}, 0.5F);
    return [=, &backend = t.backend()] {
      backend.layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
    };
  });
}

// ---- Q-learning and optimisers

void add_q_learning(Index B, Index A) {
  const std::string size = "/" + std::to_string(B) + "x" + std::to_string(A);
  const double array = 4.0 * static_cast<double>(B * A);
  add("td_target" + size, {0, array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor y = t({B}), q = t({B, A}), reward = t({B}), discount = t({B}), terminated = t({B});
    return [=, &backend = t.backend()] { backend.td_target(y, {q, {}, reward, discount, terminated}); };
  });
  add("td_loss" + size, {0, 2 * array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor dq = t({B, A}), td_error = t({B}), loss = t({1}), q = t({B, A}), y = t({B}), weight = t({B});
    const ConstIntTensor action = t.indices(B);
    return [=, &backend = t.backend()] {
      backend.td_loss(dq, td_error, loss, q, action, y, weight, LossKind::kHuber, 1.0F);
    };
  });
  add("dueling_forward" + size, {0, 2 * array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor q = t({B, A}), v = t({B, 1}), a = t({B, A});
    return [=, &backend = t.backend()] { backend.dueling_forward(q, v, a); };
  });
  add("softmax_cross_entropy" + size, {0, 2 * array}, [=](Tensors& t) -> std::function<void()> {
    const Tensor dlogits = t({B, A}), loss = t({1}), logits = t({B, A});
    const ConstIntTensor label = t.indices(B);
    return [=, &backend = t.backend()] { backend.softmax_cross_entropy(dlogits, loss, logits, label); };
  });
}

void add_optimizers(Index n) {
  const std::string size = "/" + std::to_string(n);
  const double array = 4.0 * static_cast<double>(n), elements = static_cast<double>(n);
  // Adam: 3 for m, 4 for v, and for p root, two divisions, sum, product, difference.
  add("adam_step" + size, {0, 7 * array, 13 * elements}, [=](Tensors& t) -> std::function<void()> {
    const Tensor p = t({n}), m = t({n}), v = t({n}, 0.5F), g = t({n});
    return [=, &backend = t.backend()] { backend.adam_step(p, m, v, g, 1e-3F, 10, {}); };
  });
  add("rmsprop_step" + size, {0, 5 * array, 9 * elements}, [=](Tensors& t) -> std::function<void()> {
    const Tensor p = t({n}), square = t({n}, 0.5F), g = t({n});
    return [=, &backend = t.backend()] { backend.rmsprop_step(p, square, {}, {}, g, 1e-3F, {}); };
  });
  add("sgd_step" + size, {0, 3 * array, 2 * elements}, [=](Tensors& t) -> std::function<void()> {
    const Tensor p = t({n}), g = t({n});
    return [=, &backend = t.backend()] { backend.sgd_step(p, {}, g, 1e-3F, 10, {}); };
  });
  add("global_norm" + size, {0, array, 2 * elements}, [=](Tensors& t) -> std::function<void()> {
    const Tensor norm = t({1}), g = t({n});
    return [=, &backend = t.backend()] { backend.global_norm(norm, g); };
  });
  add("polyak_update" + size, {0, 3 * array, 3 * elements}, [=](Tensors& t) -> std::function<void()> {
    const Tensor target = t({n}), online = t({n});
    return [=, &backend = t.backend()] { backend.polyak_update(target, online, 0.005F); };
  });
}

}  // namespace

void add_all_ops() {
  add_dense(64, 4, 64, false);
  add_dense(64, 64, 64, false);
  add_dense(64, 64, 2, false);
  add_dense(1, 64, 64, false);
  add_dense(128, 120, 84, true);
  add_dense(128, 256, 256, true);
  add_dense(32, 3136, 512, true);
  add_conv2d({4, 84, 84}, 32, {8, 8, 4, 4, 0, 0}, 32);
  add_conv2d({32, 20, 20}, 64, {4, 4, 2, 2, 0, 0}, 32);
  add_conv2d({64, 9, 9}, 64, {3, 3, 1, 1, 0, 0}, 32);
  add_max_pool2d({32, 20, 20}, {2, 2, 2, 2, 0, 0}, 32);
  add_elementwise(64 * 64);
  add_elementwise(1 << 20);
  add_layer_norm(64, 64);
  add_q_learning(64, 2);
  add_optimizers(4624);     // 4-64-64-2, with the arena's gaps
  add_optimizers(1687232);  // Nature-DQN's size
}

void add_family_of(const OpText& text) {
  switch (text.family) {
    case OpFamily::kDense:
      return add_dense(text.batch, text.inputs, text.outputs, true);
    case OpFamily::kConv2d:
      return add_conv2d(text.image, text.outputs, text.window, text.batch);
    case OpFamily::kMaxPool2d:
      return add_max_pool2d(text.image, text.window, text.batch);
    case OpFamily::kElementwise:
      return add_elementwise(text.batch);
    case OpFamily::kLayerNorm:
      return add_layer_norm(text.batch, text.inputs);
    case OpFamily::kQLearning:
      return add_q_learning(text.batch, text.inputs);
    case OpFamily::kOptimizer:
      return add_optimizers(text.batch);
  }
}

}  // namespace bellman::bench
