// An optimiser: its state between steps, and the op that it calls.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ops/arena.h"
#include "core/ops/backend.h"

namespace bellman {

using OptimizerOptions = std::variant<AdamOptions, RmsPropOptions, SgdOptions>;

/// Owns the moments (arenas of the parameters' layout) and one step count for the whole network.
template <class T>
class BasicOptimizer {
 public:
  BasicOptimizer(BasicBackend<T>& backend, const ArenaLayout& layout, const OptimizerOptions& options);

  /// parameters <- parameters - step(gradients), unless a given guard (BasicBackend::guard_step) holds it.
  /// Allocates nothing.
  void step(const BasicArena<T>& parameters, const BasicArena<T>& gradients, T learning_rate,
            IntTensor guard = {});

  /// Steps so far, including held ones; a resumed run sets them.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }

  struct Moment {
    std::string name;  // "m", "v" (Adam); "square", "mean", "velocity"
    BasicArena<T> values;
  };
  const std::vector<Moment>& moments() const { return moments_; }

 private:
  BasicBackend<T>& backend_;
  OptimizerOptions options_;
  std::vector<Moment> moments_;
  Index steps_ = 0;
};

using Optimizer = BasicOptimizer<float>;

}  // namespace bellman
