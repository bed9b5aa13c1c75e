// The short way runs along a cliff. Sutton & Barto 2018, example 6.6; outcome for outcome the environment
// that Gymnasium calls CliffWalking-v1.
#pragma once

#include "envs/grid/grid_task.h"

namespace bellman {

/// 4 rows, 12 columns. Actions 0 up, 1 right, 2 down, 3 left. From the bottom left to the bottom right,
/// between them the cliff. Every step gives -1; one into the cliff gives -100 and leads back to the start,
/// and the task goes on. The goal ends it. No time limit.
GridTask cliff_walking_task();

}  // namespace bellman
