// Whether a saved agent is one that can go on: whatever indexes something must be in its range.
#pragma once

#include <cstddef>
#include <span>

#include "cuda/agent_kernel/agent_state.h"
#include "cuda/agent_kernel/lane_env.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Throws: Error that names the count that no agent of this shape can have.
void check_agent_counts(const AgentCounts& counts, const AgentShape& shape);

/// The counts and all else. `arrays`: the block's first places.state_bytes. Throws: Error that names what no
/// agent of this shape, in this environment, can have.
void check_agent_state(const AgentControl& control, std::span<const std::byte> arrays,
                       const AgentShape& shape, const AgentPlaces& places, const LaneEnv& env);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
