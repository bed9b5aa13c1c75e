// Q(s, a) of a whole gridworld.
#pragma once

#include <atomic>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_env.h"
#include "rl/train/evaluator.h"

namespace bellman {

/// Cells that a network values in one call: enough for an efficient batch, few enough that a large map needs little
/// memory.
inline constexpr Index kMostCells = 256;

/// Q(s, a) of every cell by s A + a; NaN where no action is taken. `q` gets at most so many cells at a time. When *stop
/// becomes true it ends early, and the other cells stay NaN. REQUIRES: most_cells >= 1.
std::vector<double> q_table(const TabularEnv& env, const QFunction& q, Index most_cells = kMostCells,
                            const std::atomic<bool>* stop = nullptr);

}  // namespace bellman
