// Backends with one usual mistake each in a backward pass, which gradcheck must find.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/reference/images.h"
#include "core/reference/reference_backend.h"

namespace bellman::test {

using Right = ReferenceBackend<double>;
using reference::at;

struct WithoutBiasSum final : Right {
  void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override {
    std::vector<double> before(db.host().begin(), db.host().end());
    Right::do_dense_backward(dx, dw, db, dy, x, w);
    std::copy(before.begin(), before.end(), db.host().begin());
  }
};

struct WithoutConvolutionBiasSum final : Right {
  void do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                          Out scratch) override {
    std::vector<double> before(db.host().begin(), db.host().end());
    Right::do_conv2d_backward(dx, dw, db, dy, x, w, window, scratch);
    std::copy(before.begin(), before.end(), db.host().begin());
  }
};

/// dx = dy w, with w(O,I) read as if it were (I,O).
struct WrongTransposition final : Right {
  void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override {
    Right::do_dense_backward(dx, dw, db, dy, x, w);
    if (!dx) return;
    fill(dx, 0);
    for (Index n = 0; n < dy[0]; ++n)
      for (Index i = 0; i < w[1]; ++i)
        for (Index o = 0; o < w[0]; ++o) at(dx, n, i) += at(dy, n, o) * at(w, i * w[0] + o);
  }
};

struct StrideOffByOne final : Right {
  void do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                          Out /*scratch*/) override {
    Window wrong = window;
    ++wrong.stride_w;
    reference::conv2d_backward<double>(dx, dw, db, dy, x, w, wrong);
  }
};

struct PaddingForgotten final : Right {
  void do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                          Out /*scratch*/) override {
    Window wrong = window;
    wrong.padding_h = 0;
    reference::conv2d_backward<double>(dx, dw, db, dy, x, w, wrong);
  }
};

struct WithoutReluMask final : Right {
  void do_activation_backward(Out dx, In dy, In kept, Activation f) override {
    if (f.kind != Activation::kRelu) return Right::do_activation_backward(dx, dy, kept, f);
    std::copy(dy.host().begin(), dy.host().end(), dx.host().begin());
  }
};

/// The gradient of a window goes to its first pixel, not to its maximum.
struct WrongArgmax final : Right {
  void do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) override {
    const std::vector<double> flat(x.host().size(), 0.0);
    Right::do_max_pool2d_backward(dx, dy, {flat.data(), x.shape()}, window);
  }
};

/// Where windows overlap, the last one's gradient alone remains.
struct OverlapOverwritten final : Right {
  void do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) override {
    fill(dx, 0);
    for (Index n = 0; n < dy[0]; ++n)
      for (Index c = 0; c < dy[1]; ++c)
        for (Index i = 0; i < dy[2]; ++i)
          for (Index j = 0; j < dy[3]; ++j) {
            const reference::Pixel best = reference::first_maximum(x, n, c, i, j, window);
            at(dx, n, c, best.h, best.w) = at(dy, n, c, i, j);
          }
  }
};

/// dx without mean_j g[j], or without xhat mean_j (g[j] xhat[j]).
struct WithoutTermOfLayerNorm final : Right {
  explicit WithoutTermOfLayerNorm(bool of_mean) : of_mean_(of_mean) {}
  void do_layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                              In rstd) override {
    Right::do_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
    const Index features = x[1];
    for (Index n = 0; dx && n < x[0]; ++n) {
      double sum_g = 0, sum_g_xhat = 0;
      for (Index i = 0; i < features; ++i) {
        sum_g += at(dy, n, i) * at(gamma, i);
        sum_g_xhat += at(dy, n, i) * at(gamma, i) * (at(x, n, i) - at(mean, n)) * at(rstd, n);
      }
      for (Index i = 0; i < features; ++i) {
        const double xhat = (at(x, n, i) - at(mean, n)) * at(rstd, n);
        const double term = of_mean_ ? sum_g : xhat * sum_g_xhat;
        at(dx, n, i) += at(rstd, n) * term / static_cast<double>(features);
      }
    }
  }
  bool of_mean_;
};

struct WithoutMeanOfDueling final : Right {
  void do_dueling_backward(Out dv, Out da, In dq) override {
    Right::do_dueling_backward(dv, da, dq);
    std::copy(dq.host().begin(), dq.host().end(), da.host().begin());
  }
};

/// The two streams' dx are not added.
struct OneStreamOnly final : Right {
  void do_add(Out /*y*/, In /*x*/) override {}
};

struct TanhWithoutSquare final : Right {
  void do_activation_backward(Out dx, In dy, In y, Activation f) override {
    if (f.kind != Activation::kTanh) return Right::do_activation_backward(dx, dy, y, f);
    for (Index i = 0; i < dx.elements(); ++i) at(dx, i) = at(dy, i) * (1 - at(y, i));
  }
};

/// A right derivative, times a factor: 2 forgotten or too many, or a wrong sign.
struct ScaledSigmoid final : Right {
  explicit ScaledSigmoid(double factor) : factor_(factor) {}
  void do_activation_backward(Out dx, In dy, In y, Activation f) override {
    Right::do_activation_backward(dx, dy, y, f);
    if (f.kind != Activation::kSigmoid) return;
    for (double& d : dx.host()) d *= factor_;
  }
  double factor_;
};

struct LeakyReluWithoutSlope final : Right {
  void do_activation_backward(Out dx, In dy, In kept, Activation f) override {
    if (f.kind == Activation::kLeakyRelu) f.parameter = 0;
    Right::do_activation_backward(dx, dy, kept, f);
  }
};

/// Gradients of weights that are overwritten where they should be added to.
struct WeightsOverwritten final : Right {
  void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override {
    fill(dw, 0);
    Right::do_dense_backward(dx, dw, db, dy, x, w);
  }
};

/// Gradients of activations that are added to where they should be overwritten.
struct ActivationsAccumulated final : Right {
  void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override {
    const std::vector<double> before(dx.host().begin(), dx.host().end());
    Right::do_dense_backward(dx, dw, db, dy, x, w);
    for (std::size_t i = 0; i < before.size(); ++i) dx.host()[i] += before[i];
  }
};

struct Bug {
  std::string name;
  std::function<std::unique_ptr<Right>()> backend;
  std::string network;
  Shape input;
};

template <class Backend, class... Arguments>
std::function<std::unique_ptr<Right>()> made(Arguments... arguments) {
  return [=] { return std::make_unique<Backend>(arguments...); };
}

inline std::vector<Bug> bugs() {
  const std::string rows = "dense 8, relu, dense 5, layer_norm, tanh, dense 4, sigmoid, dueling 3 hidden 16";
  const std::string images =
      "conv 4 3x3 stride 2 padding 1, relu, max_pool 2x2 stride 1, flatten, dense 8, leaky_relu, dense 2";
  const Shape row = {4}, image = {1, 8, 9};
  return {{"missing bias sum", made<WithoutBiasSum>(), rows, row},
          {"missing bias sum of a convolution", made<WithoutConvolutionBiasSum>(), images, image},
          {"wrong transposition", made<WrongTransposition>(), rows, row},
          {"stride off by one", made<StrideOffByOne>(), images, image},
          {"padding forgotten", made<PaddingForgotten>(), images, image},
          {"missing mask of a ReLU", made<WithoutReluMask>(), rows, row},
          {"missing mask of a ReLU behind a convolution", made<WithoutReluMask>(), images, image},
          {"wrong argmax of a pooling window", made<WrongArgmax>(), images, image},
          {"overlapping windows overwritten", made<OverlapOverwritten>(), images, image},
          {"layer_norm's mean term missing", made<WithoutTermOfLayerNorm>(true), rows, row},
          {"layer_norm's variance term missing", made<WithoutTermOfLayerNorm>(false), rows, row},
          {"the mean of dueling advantages has no gradient", made<WithoutMeanOfDueling>(), rows, row},
          {"one stream of two goes down", made<OneStreamOnly>(), rows, row},
          {"tanh without the square", made<TanhWithoutSquare>(), rows, row},
          {"factor 2", made<ScaledSigmoid>(2.0), rows, row},
          {"factor 1.00001", made<ScaledSigmoid>(1.00001), rows, row},
          {"wrong sign", made<ScaledSigmoid>(-1.0), rows, row},
          {"leaky_relu's slope missing", made<LeakyReluWithoutSlope>(), images, image},
          {"overwritten, not accumulated", made<WeightsOverwritten>(), rows, row},
          {"accumulated, not overwritten", made<ActivationsAccumulated>(), images, image}};
}

}  // namespace bellman::test
