#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/optimizers.h"
#include "core/reference/reference_backend.h"
#include "tests/core/reference/optimizer_run.h"

namespace bellman::test {
namespace {

TEST_CASE("sgd_step: 1 000 steps, plain, with momentum, dampening and Nesterov's, agree with PyTorch") {
  const Golden golden("golden_optimizers");
  for (const std::string& name : golden.keys("sgd")) {
    const std::string path = "sgd." + name;
    SgdOptions options;
    options.momentum = golden_option(golden, path, "momentum", options.momentum);
    options.dampening = golden_option(golden, path, "dampening", options.dampening);
    options.weight_decay = golden_option(golden, path, "weight_decay", options.weight_decay);
    options.nesterov = golden_option(golden, path, "nesterov", 0) != 0;
    ReferenceBackend<double> ops;
    HostTensor<double> velocity({6});
    check_optimizer_run(golden, path, [&](auto& p, const auto& g, double learning_rate, Index step) {
      TensorView<double> velocity_or_none;
      if (options.momentum != 0) velocity_or_none = velocity;
      ops.sgd_step(p, velocity_or_none, g, learning_rate, step, options);
    });
  }
}

TEST_CASE("sgd_step by hand: the first velocity is the gradient, undampened, whatever was there before") {
  ReferenceBackend<double> ops;
  const HostTensor<double> g({1}, 8.0);
  HostTensor<double> p({1}, 100.0), velocity({1}, 999.0);
  const SgdOptions options = {.momentum = 0.5, .dampening = 0.25};
  ops.sgd_step(p, velocity, g, 0.5, 1, options);
  CHECK(velocity[0] == 8);
  CHECK(p[0] == 96);
  ops.sgd_step(p, velocity, g, 0.5, 2, options);
  CHECK(velocity[0] == 10);  // 0.5 x 8 + 0.75 x 8
  CHECK(p[0] == 91);
}

}  // namespace
}  // namespace bellman::test
