// 1 000 steps of an optimiser on the gradient that scripts/golden/optimizers.py states, compared with PyTorch.
#pragma once

#include <cmath>
#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "core/ops/backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace bellman::test {

/// One step: p moves along g; step counts from 1.
using OptimizerStep =
    std::function<void(HostTensor<double>& p, const HostTensor<double>& g, double learning_rate, Index step)>;

/// Runs the golden case at `path` ("adam.default") and compares p at every checkpoint it holds.
inline void check_optimizer_run(const Golden& golden, const std::string& path, const OptimizerStep& step) {
  INFO(path);
  HostTensor<double> p = golden[path + ".start"];
  HostTensor<double> g(p.shape());
  const double learning_rate = golden.number(path + ".options.lr");
  int checkpoints = 0;
  for (Index t = 1; t <= 1000; ++t) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double number = static_cast<double>(i);
      g[i] = std::sin(0.1 * number + 0.37 * static_cast<double>(t)) * (1 + number / 4) + p[i] / 8;
    }
    step(p, g, learning_rate, t);
    for (const Index checkpoint : {1, 2, 10, 100, 1000})
      if (t == checkpoint) {
        INFO("after step ", t);
        check_close(p, golden[path + ".after." + std::to_string(t)], 1e-10,
                    /*scale=*/0.01);
        ++checkpoints;
      }
  }
  CHECK(checkpoints == 5);
}

/// The option of a golden case, or `otherwise` where PyTorch's default was used.
inline double golden_option(const Golden& golden, const std::string& path, const std::string& name,
                            double otherwise) {
  for (const std::string& key : golden.keys(path + ".options"))
    if (key == name) return golden.number(path + ".options." + name);
  return otherwise;
}

}  // namespace bellman::test
