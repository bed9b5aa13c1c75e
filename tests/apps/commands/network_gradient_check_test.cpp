// What gradcheck does, in this process: right networks pass at every seed, and the usual mistakes of backward
// passes are found at every seed.

#include "apps/commands/network_gradient_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/conv2d.h"
#include "core/reference/dueling.h"
#include "core/reference/layer_norm.h"
#include "core/reference/max_pool2d.h"
#include "core/reference/reference_backend.h"
#include "tests/support/long_tests.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

using Right = ReferenceBackend<double>;
using reference::at;

std::uint64_t number_of_seeds() {
#ifdef BELLMAN_SANITIZED
  return 1;  // ten times as slow, and the sanitizers see the same code with every seed
#else
  return has_long_tests() ? 100 : 5;
#endif
}

// ---- right networks ----

struct Kind {
  std::string layer;
  Shape input;
};

const std::vector<std::string> kImageLayers = {"conv 2 3x3 padding 1",
                                               "conv 2 2x3 stride 2x1",
                                               "max_pool 2x2",
                                               "max_pool 2x3 stride 1 padding 1",
                                               "relu",
                                               "leaky_relu 0.2",
                                               "tanh",
                                               "sigmoid"};
const std::vector<std::string> kRowLayers = {"dense 5", "relu",       "leaky_relu", "tanh",
                                             "sigmoid", "layer_norm", "dueling 3",  "dueling 3 hidden 4"};

/// Every kind of layer alone, and every pair of them, one behind the other.
std::vector<Kind> layers_and_pairs() {
  const Shape image = {1, 6, 7}, row = {5};
  std::vector<Kind> all;
  for (const std::string& first : kImageLayers) {
    all.push_back({first + ", flatten", image});
    for (const std::string& second : kImageLayers)
      all.push_back({first + ", " + second + ", flatten", image});
    for (const std::string& second : kRowLayers) all.push_back({first + ", flatten, " + second, image});
  }
  for (const std::string& first : kRowLayers) {
    all.push_back({first, row});
    for (const std::string& second : kRowLayers) {
      all.push_back({first + ", " + second, row});
      all.push_back({"dense 6, " + first + ", " + second, row});
    }
  }
  all.push_back({"flatten", image});
  return all;
}

TEST_CASE("gradcheck passes for every kind and every pair of layers, at every seed") {
  for (const Kind& kind : layers_and_pairs()) {
    CAPTURE(kind.layer);
    Right backend;
    const BasicNetwork<double> network(kind.layer, kind.input);
    for (std::uint64_t seed = 1; seed <= number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkGradientCheck result =
          check_network_gradients(backend, network, {.seed = seed, .batch = 2, .samples = 10});
      for (const TensorGradientCheck& t : result.tensors) {
        INFO("layer ", t.layer, ", ", t.name, "[", t.check.index, "] is ", t.check.analytic,
             ", by differences ", t.check.numeric);
        CHECK(t.passed);
      }
    }
  }
}

TEST_CASE("gradcheck passes for networks whose activations tie") {
  struct Tied {
    std::string network;
    Shape input;
    bool has_kinks;
  };
  for (const Tied& tied : std::vector<Tied>{
           {"relu, relu, dense 1", {4}, true},
           {"dense 8, relu, leaky_relu, dense 2", {4}, true},
           {"conv 4 3x3 stride 1 padding 1, relu, max_pool 2x2, flatten, dense 6, relu, dense 4",
            {1, 8, 8},
            true},
           {"conv 4 3x3, relu, max_pool 3x3 stride 1, relu, max_pool 2x2, flatten, dense 2", {1, 8, 8}, true},
           {"dense 8, relu, layer_norm, tanh, dueling 2 hidden 4", {4}, false}}) {
    CAPTURE(tied.network);
    Right backend;
    const BasicNetwork<double> network(tied.network, tied.input);
    Index kinks = 0, compared = 0;
    for (std::uint64_t seed = 1; seed <= 4 * number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkGradientCheck result =
          check_network_gradients(backend, network, {.seed = seed, .samples = 40});
      CHECK(result.passed());
      for (const TensorGradientCheck& t : result.tensors) {
        kinks += t.check.kinks;
        compared += t.check.compared;
      }
    }
    if (tied.has_kinks) CHECK(kinks > 0);
    CHECK(compared > 2 * kinks);
  }
}

// ---- wrong ones ----

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

std::vector<Bug> bugs() {
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

TEST_CASE("gradcheck finds the usual mistakes of backward passes at every seed") {
  for (const Bug& bug : bugs()) {
    CAPTURE(bug.name);
    const BasicNetwork<double> network(bug.network, bug.input);
    for (std::uint64_t seed = 1; seed <= 2 * number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkCheckOptions options = {.seed = seed, .samples = 50};
      Right right;
      CHECK(check_network_gradients(right, network, options).passed());
      const std::unique_ptr<Right> wrong = bug.backend();
      CHECK_FALSE(check_network_gradients(*wrong, network, options).passed());
    }
  }
}

std::set<std::string> failing(BasicBackend<double>& backend, const std::string& text) {
  const BasicNetwork<double> network(text, {4});
  std::set<std::string> names;
  for (const TensorGradientCheck& t : check_network_gradients(backend, network, {}).tensors)
    if (!t.passed) names.insert(std::to_string(t.layer) + "." + t.name);
  return names;
}

TEST_CASE("a wrong derivative fails in every layer that it flows back to, and in no other") {
  const std::string text = "dense 8, tanh, dense 8, relu, dense 2";
  Right right;
  CHECK(failing(right, text).empty());
  TanhWithoutSquare wrong_tanh;
  CHECK(failing(wrong_tanh, text) == std::set<std::string>{"0.input", "0.weight", "0.bias", "1.input"});
  WithoutBiasSum forgotten_bias;
  CHECK(failing(forgotten_bias, text) == std::set<std::string>{"0.bias", "2.bias", "4.bias"});
}

// ---- checks that say nothing ----

TEST_CASE("a check that gradients of zero would pass, too, is vacuous") {
  const auto check = [](const std::string& text, const Shape& input, std::uint64_t seed) {
    Right backend;
    return check_network_gradients(backend, BasicNetwork<double>(text, input), {.seed = seed, .batch = 1});
  };
  // One feature, normalised, is always 0: its gain and what lies below have no gradient. Its offset has.
  const NetworkGradientCheck one_feature = check("dense 1, layer_norm", {3}, 1);
  CHECK(one_feature.passed());
  CHECK_FALSE(one_feature.vacuous());
  for (const TensorGradientCheck& t : one_feature.tensors) {
    CAPTURE(t.name);
    CHECK(t.vacuous == (t.name != "bias" || t.layer == 0));
  }
  // The only feature is below 0 for some seeds: nothing goes through, and all that is left are corners.
  int vacuous = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const NetworkGradientCheck result = check("relu, relu", {1}, seed);
    CHECK(result.passed());
    const bool corner = result.tensors[1].check.kinks == 1;
    CHECK(result.vacuous() == corner);
    CHECK(result.tensors[1].check.compared == (corner ? 0 : 1));
    vacuous += result.vacuous();
  }
  CHECK(vacuous > 0);
  CHECK(vacuous < 20);
}

}  // namespace
}  // namespace bellman::test
