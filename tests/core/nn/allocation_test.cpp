// A learn step allocates nothing once all is built.

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "tests/support/backends.h"
#include "tests/support/counts/allocation_count.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

/// How often `allocate` allocates; its result is passed to `release`.
template <class P>
std::size_t count(P* (*allocate)(), void (*release)(P*)) {
  const std::size_t before = allocations();
  P* volatile memory = allocate();  // volatile: the compiler may otherwise leave out an allocation
  const std::size_t after = allocations();
  release(memory);
  return after - before;
}

TEST_CASE("the count sees every way to allocate") {
#if defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: memcheck's malloc is not counted");
#else
  CHECK(count<void>([] { return std::malloc(17); }, [](void* memory) { std::free(memory); }) == 1);
  CHECK(count<void>([] { return std::calloc(17, 3); }, [](void* memory) { std::free(memory); }) == 1);
#if !defined(BELLMAN_THREAD_SANITIZED)
  CHECK(count<void>([] { return std::aligned_alloc(64, 128); }, [](void* memory) { std::free(memory); }) ==
        1);
#endif
  CHECK(count<int>([] { return new int; }, [](int* memory) { delete memory; }) == 1);
  CHECK(count<int>([] { return new int[100]; }, [](int* memory) { delete[] memory; }) == 1);
  CHECK(count<std::vector<int>>([] { return new std::vector<int>(5); },
                                [](std::vector<int>* v) { delete v; }) == 2);
#endif
}

struct Case {
  std::string text;
  Shape input;
};

/// Allocations of two learn steps that follow a first one, with each optimiser.
std::size_t allocations_of_steps(Backend& backend, const Case& c) {
  constexpr Index kBatch = 33;
  const OptimizerOptions optimizers[] = {AdamOptions{}, RmsPropOptions{.momentum = 0.9, .centered = true},
                                         SgdOptions{.momentum = 0.9}};
  const Network network(c.text, c.input);
  const Arena parameters(backend, network.layout()), gradients(backend, network.layout());
  initialise(backend, parameters, network, Initialiser::kPytorch, 1);
  Workspace workspace(backend, network, kBatch, true);
  backend.fill(workspace.activation(0, kBatch), 0.5F);
  std::size_t count = 0;
  for (const OptimizerOptions& options : optimizers) {
    Optimizer optimizer(backend, network.layout(), options);
    std::size_t before = 0;
    for (int step = 0; step < 3; ++step) {
      if (step == 1) before = allocations();
      const Index batch = kBatch - step;
      backend.fill(gradients.flat(), 0);
      network.forward(backend, workspace, parameters, batch);
      backend.fill(workspace.d_activation(network.layers(), batch), 1e-3F);
      network.backward(backend, workspace, parameters, gradients, batch, step == 2);
      optimizer.step(parameters, gradients, 1e-3F);
    }
    count += allocations() - before;
  }
  return count;
}

TEST_CASE("forward, backward and the optimiser's step allocate nothing") {
  const Case cases[] = {
      {"conv 8 3x3 padding 1, relu, max_pool 2x2, conv 16 3x3, relu, flatten, dense 32, relu, dueling 4",
       {3, 10, 10}},
      {"dense 64, relu, dense 64, relu, dense 2", {4}},
      {"dense 20, leaky_relu, layer_norm, dense 9, tanh, dense 8, sigmoid, dueling 3 hidden 10", {4}},
  };
  const std::vector<NamedBackend> backends = host_backends();
  for (const Case& c : cases) {
    CAPTURE(c.text);
    for_each_backend(backends, [&](Backend& backend) { CHECK(allocations_of_steps(backend, c) == 0); });
  }
}

}  // namespace
}  // namespace bellman::test
