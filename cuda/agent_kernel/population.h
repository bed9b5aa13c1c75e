// DQN agents behind core/nn/agent_kernel.h: one a block.
#pragma once

#include <memory>
#include <string>

#include "core/nn/agent_kernel.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Empty, or why a block of `most_shared_bytes` cannot do it.
std::string agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env,
                                            int most_shared_bytes);
/// Of device memory, a place.
Index agent_kernel_bytes(const AgentShape& shape, int most_shared_bytes);
/// REQUIRES: the stream outlives it.
std::unique_ptr<AgentKernel> make_agent_kernel(Stream& stream, const AgentShape& shape, const AgentEnv& env,
                                               Index places, int most_shared_bytes);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
