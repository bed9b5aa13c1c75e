// The roofs that figures are compared with, measured on this machine, in this process, with this build's flags.
#pragma once

#include <cstddef>

#include "core/nn/network.h"

namespace bellman::bench {

/// Multiply-adds a second of one core, each counted as two operations: independent chains in registers, with
/// the widest vectors of this build. Measured at the first call; the best of several tries.
double flops_per_second();
/// The same, measured at every call.
double measure_flops_per_second();

/// Bytes a second of a[i] = b[i] + s c[i] over three arrays of `working_set` bytes together: two reads, one
/// write.
double triad_bytes_per_second(std::size_t working_set);

/// Multiply-adds of one gradient step of DQN on `batch` samples: the target network's pass, the online
/// network's, its dw and its dx, which the first layer does not need. Dense layers and convolutions; nothing
/// else counts.
double multiply_adds_of_learn_step(const Network& network, Index batch);

/// The least time, in seconds, that so many multiply-adds can take on one core.
inline double floor_seconds(double multiply_adds) { return 2 * multiply_adds / flops_per_second(); }

}  // namespace bellman::bench
