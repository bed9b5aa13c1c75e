// What the columns of progress.csv and monitor.csv are, in words.
#pragma once

#include <array>
#include <string_view>

#include "rl/log/metric_sink.h"

namespace bellman {

/// Of each of kScalarNames, the columns of progress.csv.
inline constexpr std::array<std::string_view, kScalarNames.size()> kScalarMeanings = {
    "mean return of the last 100 training episodes, exploration included",
    "mean length of the last 100 training episodes, steps",
    "epsilon now: the share of random actions",
    "environment steps a second since the run began",
    "environment steps so far, all environments together",
    "seconds since the run began",
    "mean loss of the gradient steps since the last row",
    "mean Q-value of the actions in their batches, likewise: what the network promises",
    "mean norm of the gradient before clipping, likewise; empty when max_grad_norm is 0",
    "learning rate now",
    "gradient steps so far",
    "gradient steps left out so far, with a number that is NaN or infinite (on_nan)",
    "environment steps left out so far, likewise",
    "mean return of the evaluation at this step: greedy, fresh episodes; empty without one",
    "standard deviation of its returns (n - 1)",
    "mean length of its episodes, steps",
};

struct ColumnMeaning {
  std::string_view name, meaning;
};

/// monitor.csv: a row a training episode.
inline constexpr std::array<ColumnMeaning, 3> kMonitorColumns = {{
    {"r", "return of the episode, of raw rewards"},
    {"l", "length of the episode, steps"},
    {"t", "seconds since the run began"},
}};

}  // namespace bellman
