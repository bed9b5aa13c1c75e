// For a test of the tests (tests/cuda/simt/barrier_mutants_test.cpp): kernels of which one barrier is not
// there.
#pragma once

#include <vector>

#include "cuda/simt/place.h"

namespace bellman::simt::detail {

#if defined(BELLMAN_SIMT_MUTANTS)
/// Whether the environment variable BELLMAN_SIMT_DROP_BARRIER names this place, as in cuda/ops/dense.cu:41.
/// Called at every barrier.
bool is_dropped_barrier(const Place& place);
/// The barriers that threads came to since the last call, each once.
std::vector<Place> take_visited_barriers();
#else
constexpr bool is_dropped_barrier(const Place& /*place*/) { return false; }
#endif

}  // namespace bellman::simt::detail
