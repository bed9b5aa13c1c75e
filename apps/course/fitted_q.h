// A small network that is trained on some states of a table of exact Q-values, and asked for all of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "apps/course/exact_values.h"
#include "core/base/tensor.h"
#include "envs/grid/tabular_env.h"

namespace bellman {

struct QFit {
  GridObservation observation = GridObservation::kOneHot;
  Index width = 32;  // of two hidden layers
  Index steps = 1000;
  double learning_rate = 0.003;
  std::uint64_t seed = 1;  // of the first weights
};

struct FittedQ {
  std::vector<double> q;  // (S,A): what the network says at the end; 0 where no action is taken
  /// States whose weights in the first layer are still what they were at the start; of a one-hot observation.
  std::vector<std::uint8_t> untouched;  // (S)
};

/// Minimises L = 1/(2B) sum |Q(s,.) - q(s,.)|^2 over the B states of `trained` with Adam, all of them in each step. `watch`, if
/// given, is called with the number of steps done and the network's q at growing distances. Ends early when `stop` becomes
/// true. REQUIRES: `trained` is not empty; q(S,A).
FittedQ fit_q(const GridTask& task, const std::vector<double>& q, const States& trained, const QFit& options,
              const std::atomic<bool>& stop,
              const std::function<void(Index step, const std::vector<double>& q)>& watch = {});

}  // namespace bellman
