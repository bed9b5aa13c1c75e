// For tests of the tests: one barrier of all kernels that is not there.
#pragma once

#include "cuda/simt/place.h"

namespace bellman::simt::detail {

#if defined(BELLMAN_SIMT_MUTANTS)
/// Whether the environment variable BELLMAN_SIMT_DROP_BARRIER names this place, as in cuda/dense.cu:41.
bool is_dropped_barrier(const Place& place);
#else
constexpr bool is_dropped_barrier(const Place& /*place*/) { return false; }
#endif

}  // namespace bellman::simt::detail
