// Tabular Q-learning with one table, and with two that value each other's choices.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

struct TabularLearning {
  bool two_tables = false;
  double gamma = 0.95;
  double power = 0.8;  // the step size of a pair's n-th update is 1 / n^power
  Index steps = 0;
  std::uint64_t seed = 0;
};

struct TabularRun {
  std::vector<double> steps, start_values;  // max_a Q(start, a) now and then, 50 times
  std::vector<double> q;                    // (S,A): at the end; of two tables, their mean
};

/// Q-learning (Watkins 1989), or double Q-learning (van Hasselt 2010, algorithm 1). Values begin at 0. Behaviour is
/// epsilon-greedy with epsilon = 1 / sqrt(n), n the visits of the state. Episodes begin in the first start.
TabularRun learn_tabular(const TabularMdp& mdp, const TabularLearning& options);

}  // namespace bellman
