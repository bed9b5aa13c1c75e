#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/optimizers.h"
#include "core/reference/reference_backend.h"
#include "tests/core/reference/optimizer_run.h"

namespace bellman::test {
namespace {

void check_adam_run(const Golden& golden, const std::string& path, bool decoupled) {
  AdamOptions options;
  options.beta1 = golden_option(golden, path, "beta1", options.beta1);
  options.beta2 = golden_option(golden, path, "beta2", options.beta2);
  options.epsilon = golden_option(golden, path, "eps", options.epsilon);
  options.weight_decay = golden_option(golden, path, "weight_decay", options.weight_decay);
  options.decoupled = decoupled;
  ReferenceBackend<double> ops;
  HostTensor<double> m({6}), v({6});
  check_optimizer_run(golden, path, [&](auto& p, const auto& g, double learning_rate, Index step) {
    ops.adam_step(p, m, v, g, learning_rate, step, options);
  });
}

TEST_CASE("adam_step: 1 000 steps of Adam, of Adam with weight decay and of AdamW agree with PyTorch") {
  const Golden golden("golden_optimizers");
  for (const std::string& name : golden.keys("adam")) check_adam_run(golden, "adam." + name, false);
  for (const std::string& name : golden.keys("adamw")) check_adam_run(golden, "adamw." + name, true);
}

TEST_CASE("adam_step: the first step has the length of the learning rate, whatever the gradient's") {
  ReferenceBackend<double> ops;
  const HostTensor<double> g({3}, {1e-3, -1, 1e3});
  HostTensor<double> p({3}), m({3}), v({3});
  ops.adam_step(p, m, v, g, 0.5, 1, {.epsilon = 1e-30});
  check_close(p, HostTensor<double>({3}, {-0.5, 0.5, -0.5}), 1e-15);
}

TEST_CASE("adam_step: where parameter and gradient are always zero, so is the parameter, to the bit") {
  ReferenceBackend<float> ops;
  const HostTensor<float> g({2});
  HostTensor<float> p({2}), m({2}), v({2});
  for (const bool decoupled : {false, true})
    for (Index step = 1; step <= 10; ++step)
      ops.adam_step(p, m, v, g, 0.1F, step, {.weight_decay = 0.1, .decoupled = decoupled});
  CHECK(p.values() == std::vector<float>{0, 0});
  CHECK(m.values() == std::vector<float>{0, 0});
  CHECK(v.values() == std::vector<float>{0, 0});
}

TEST_CASE("adam_step of floats: the bias correction is exact at the first step") {
  // 1 - beta2 is 0.001; with beta2 rounded to float first it would be off by 1.3e-5, and the step by 6e-6.
  ReferenceBackend<float> ops;
  const HostTensor<float> g({1}, 1.0F);
  HostTensor<float> p({1}), m({1}), v({1});
  ops.adam_step(p, m, v, g, 1.0F, 1, {});
  CHECK(p[0] == doctest::Approx(-1.0).epsilon(5e-7));
}

}  // namespace
}  // namespace bellman::test
