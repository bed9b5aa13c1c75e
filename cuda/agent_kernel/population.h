// Resident DQN agents behind core/nn/resident_dqn.h: one a block.
#pragma once

#include <memory>
#include <string>

#include "core/nn/resident_dqn.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Empty, or why a block of `most_shared_bytes` cannot do it.
std::string resident_dqn_obstacle(const ResidentDqnShape& shape, const ResidentEnv& env,
                                  int most_shared_bytes);
/// Of device memory, a place.
Index resident_dqn_bytes(const ResidentDqnShape& shape, int most_shared_bytes);
/// REQUIRES: the stream outlives it.
std::unique_ptr<ResidentDqn> make_resident_dqn(Stream& stream, const ResidentDqnShape& shape,
                                               const ResidentEnv& env, Index places, int most_shared_bytes);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
