#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/optimizers.h"
#include "core/reference/reference_backend.h"
#include "tests/core/reference/optimizer_run.h"

namespace bellman::test {
namespace {

TEST_CASE("rmsprop_step: 1 000 steps, plain, centred and with momentum, agree with PyTorch") {
  const Golden golden("golden_optimizers");
  for (const std::string& name : golden.keys("rmsprop")) {
    const std::string path = "rmsprop." + name;
    RmsPropOptions options;
    options.alpha = golden_option(golden, path, "alpha", options.alpha);
    options.epsilon = golden_option(golden, path, "eps", options.epsilon);
    options.momentum = golden_option(golden, path, "momentum", options.momentum);
    options.weight_decay = golden_option(golden, path, "weight_decay", options.weight_decay);
    options.centered = golden_option(golden, path, "centered", 0) != 0;
    ReferenceBackend<double> ops;
    HostTensor<double> square({6}), mean({6}), velocity({6});
    check_optimizer_run(golden, path, [&](auto& p, const auto& g, double learning_rate, Index) {
      TensorView<double> mean_or_none, velocity_or_none;
      if (options.centered) mean_or_none = mean;
      if (options.momentum != 0) velocity_or_none = velocity;
      ops.rmsprop_step(p, square, mean_or_none, velocity_or_none, g, learning_rate, options);
    });
  }
}

TEST_CASE("rmsprop_step with epsilon inside the root: two steps of Mnih et al. 2015 by hand") {
  ReferenceBackend<double> ops;
  const RmsPropOptions options = {.alpha = 0.95, .epsilon = 0.01, .epsilon_in_root = true, .centered = true};
  HostTensor<double> p({1}), square({1}), mean({1}), g({1});
  g[0] = 0.3;
  ops.rmsprop_step(p, square, mean, {}, g, 0.1, options);
  // square 0.05 0.09, mean 0.05 0.3; p falls by 0.1 0.3 / sqrt(0.0045 - 0.015^2 + 0.01)
  CHECK(square[0] == doctest::Approx(0.0045).epsilon(1e-12));
  CHECK(mean[0] == doctest::Approx(0.015).epsilon(1e-12));
  CHECK(p[0] == doctest::Approx(-0.03 / std::sqrt(0.014275)).epsilon(1e-12));
  g[0] = -0.2;
  ops.rmsprop_step(p, square, mean, {}, g, 0.1, options);
  // square 0.95 0.0045 + 0.05 0.04 = 0.006275, mean 0.95 0.015 - 0.05 0.2 = 0.00425
  CHECK(p[0] ==
        doctest::Approx(-0.03 / std::sqrt(0.014275) + 0.02 / std::sqrt(0.006275 - 0.0000180625 + 0.01))
            .epsilon(1e-12));
}

TEST_CASE("rmsprop_step, centred: a gradient that never changes has variance 0, not below") {
  ReferenceBackend<float> ops;
  const RmsPropOptions options = {.alpha = 0.5, .epsilon = 1e-3, .centered = true};
  HostTensor<float> p({64}), square({64}), mean({64}), g({64});
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = 0.1F + 0.013F * static_cast<float>(i);
  for (int step = 0; step < 200; ++step) ops.rmsprop_step(p, square, mean, {}, g, 1e-3F, options);
  bool below = false;  // rounding did make some variance negative, else this test would show nothing
  for (std::size_t i = 0; i < g.size(); ++i) {
    CHECK(std::isfinite(p[i]));
    below = below || double(square[i]) < double(mean[i]) * double(mean[i]);
  }
  CHECK(below);
}

}  // namespace
}  // namespace bellman::test
