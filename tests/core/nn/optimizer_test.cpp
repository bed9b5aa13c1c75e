#include "core/nn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/network.h"
#include "tests/support/backends.h"
#include "tests/support/compare.h"
#include "tests/support/host_tensor.h"
#include "tests/support/transfer.h"

namespace bellman::test {
namespace {

struct OptimizerCase {
  std::string name;
  OptimizerOptions options;
  std::vector<std::string> moments;
};

std::vector<OptimizerCase> cases() {
  AdamOptions adamw;
  adamw.decoupled = true;
  adamw.weight_decay = 0.01;
  RmsPropOptions centered, with_momentum, both, nature;
  centered.centered = both.centered = true;
  with_momentum.momentum = both.momentum = 0.9;
  nature = {.alpha = 0.95, .epsilon = 0.01, .epsilon_in_root = true, .centered = true};
  SgdOptions momentum, nesterov;
  momentum.momentum = nesterov.momentum = 0.9;
  momentum.dampening = 0.5;
  nesterov.nesterov = true;
  return {{"adam", AdamOptions{}, {"m", "v"}},
          {"adamw", adamw, {"m", "v"}},
          {"rmsprop", RmsPropOptions{}, {"square"}},
          {"rmsprop centered", centered, {"square", "mean"}},
          {"rmsprop momentum", with_momentum, {"square", "velocity"}},
          {"rmsprop both", both, {"square", "mean", "velocity"}},
          {"rmsprop of Mnih et al. 2015", nature, {"square", "mean"}},
          {"sgd", SgdOptions{}, {}},
          {"sgd momentum", momentum, {"velocity"}},
          {"sgd nesterov", nesterov, {"velocity"}}};
}

// Three tensors whose sizes leave gaps in the arena.
const Network& network() {
  static const Network instance("dense 3, layer_norm, dense 5", {7});
  return instance;
}

/// Parameters and gradients that look like training: every step has gradients of its own.
template <class T>
struct Run {
  Run(BasicBackend<T>& b, const OptimizerOptions& options)
      : backend(b),
        parameters(b, network().layout()),
        gradients(b, network().layout()),
        optimizer(b, network().layout(), options) {
    for_each_tensor(parameters, 0);
  }
  void for_each_tensor(const BasicArena<T>& arena, std::uint64_t step) {
    for (std::size_t i = 0; i < arena.layout().entries().size(); ++i) {
      RandomSequence random({5, Purpose::kTest, static_cast<std::uint32_t>(i)}, step);
      std::vector<T> values(static_cast<std::size_t>(arena[i].elements()));
      for (T& value : values) value = static_cast<T>(static_cast<float>(random.uniform(-1, 1)));
      put(backend, arena[i], values);
    }
  }
  void steps(Index from, Index to) {
    for (Index step = from; step <= to; ++step) {
      for_each_tensor(gradients, static_cast<std::uint64_t>(step));
      optimizer.step(parameters, gradients, static_cast<T>(0.01F));
    }
  }

  BasicBackend<T>& backend;
  BasicArena<T> parameters, gradients;
  BasicOptimizer<T> optimizer;
};

TEST_CASE("optimizer: which moments there are, and that steps count once for the whole network") {
  for (const OptimizerCase& c : cases()) {
    CAPTURE(c.name);
    for_each_backend(float_backends(), [&](Backend& backend) {
      Run<float> run(backend, c.options);
      std::vector<std::string> names;
      for (const Optimizer::Moment& moment : run.optimizer.moments()) {
        names.push_back(moment.name);
        for (float value : fetch(backend, moment.values.flat())) REQUIRE(value == 0);
      }
      CHECK(names == c.moments);
      CHECK(run.optimizer.steps() == 0);
      run.steps(1, 3);
      CHECK(run.optimizer.steps() == 3);
      for (const Optimizer::Moment& moment : run.optimizer.moments()) {  // each is used for itself
        CAPTURE(moment.name);
        const std::vector<float> values = fetch(backend, moment.values[0]);
        CHECK(std::count(values.begin(), values.end(), 0.0F) == 0);
      }
    });
  }
}

TEST_CASE("optimizer: the gaps of the arena stay zero") {
  std::vector<bool> gap(static_cast<std::size_t>(network().layout().size()), true);
  for (const ArenaLayout::Entry& entry : network().layout().entries())
    for (Index j = 0; j < entry.shape.elements(); ++j)
      gap[static_cast<std::size_t>(entry.offset + j)] = false;
  REQUIRE(std::count(gap.begin(), gap.end(), true) > 10);
  for (const OptimizerCase& c : cases()) {
    CAPTURE(c.name);
    for_each_backend(float_backends(), [&](Backend& backend) {
      Run<float> run(backend, c.options);
      run.steps(1, 20);
      const auto check_gaps = [&](TensorView<float> block) {
        const std::vector<float> values = fetch(backend, block);
        for (std::size_t i = 0; i < gap.size(); ++i)
          if (gap[i]) REQUIRE(values[i] == 0);
      };
      check_gaps(run.parameters.flat());
      for (const Optimizer::Moment& moment : run.optimizer.moments()) check_gaps(moment.values.flat());
    });
  }
}

TEST_CASE("optimizer: a run that is resumed from moments and steps ends with the same bits") {
  for (const OptimizerCase& c : cases()) {
    CAPTURE(c.name);
    for_each_backend(float_backends(), [&](Backend& backend) {
      Run<float> whole(backend, c.options), first(backend, c.options), second(backend, c.options);
      whole.steps(1, 30);
      first.steps(1, 17);
      const std::size_t bytes = static_cast<std::size_t>(first.parameters.flat().elements()) * sizeof(float);
      backend.copy(second.parameters.flat().data(), first.parameters.flat().data(), bytes);
      for (std::size_t i = 0; i < first.optimizer.moments().size(); ++i)
        backend.copy(second.optimizer.moments()[i].values.flat().data(),
                     first.optimizer.moments()[i].values.flat().data(), bytes);
      second.optimizer.set_steps(17);
      second.steps(18, 30);
      const std::vector<float> a = fetch(backend, whole.parameters.flat());
      const std::vector<float> b = fetch(backend, second.parameters.flat());
      for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == b[i]);
      CHECK(second.optimizer.steps() == 30);
    });
  }
}

TEST_CASE("optimizer: floats on every backend follow the doubles of the definition for 1000 steps") {
  for (const OptimizerCase& c : cases()) {
    CAPTURE(c.name);
    ReferenceBackend<double> reference;
    Run<double> exact(reference, c.options);
    exact.steps(1, 1000);
    for_each_backend(float_backends(), [&](Backend& backend) {
      Run<float> run(backend, c.options);
      run.steps(1, 1000);
      // A step rounds p once, to half a unit of 2^-24, and moves it by at most some 0.1 with a relative error
      // of a few roundings: 1000 steps stay within 1000 2^-24 (1 + 0.1 k), k a dozen.
      const std::vector<float> actual = fetch(backend, run.parameters.flat());
      check_close<float, double>(actual, exact.parameters.flat().host(), 2000 * 0x1p-24);
    });
  }
}

TEST_CASE("optimizer: Adam's first step is the learning rate against the gradient's sign") {
  // Kingma & Ba 2015, section 2.1: m / sqrt(v) is +-1 after the corrections of the first step.
  for_each_backend(float_backends(), [&](Backend& backend) {
    Run<float> run(backend, AdamOptions{});
    const std::vector<float> before = fetch(backend, run.parameters.flat());
    run.steps(1, 1);
    const std::vector<float> after = fetch(backend, run.parameters.flat());
    const std::vector<float> gradients = fetch(backend, run.gradients.flat());
    for (std::size_t i = 0; i < before.size(); ++i) {
      const float g = gradients[i];
      const double expected = g == 0 ? 0 : g > 0 ? -0.01 : 0.01;
      CHECK(std::abs(double(after[i]) - before[i] - expected) <= 1e-6);
    }
  });
}

}  // namespace
}  // namespace bellman::test
