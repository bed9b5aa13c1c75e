// A launch of the agent kernel, between the host's side of them (device_agents.h) and the kernel.
#pragma once

#include "cuda/agent_kernel/agent_state.h"
#include "cuda/agent_kernel/lane_env.cuh"
#include "cuda/agent_kernel/lane_replay.cuh"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What a launch is given: an agent a block.
struct AgentLaunch {
  DqnLayout layout;
  AgentPlaces places;
  LaneEnv env;
  LaneSizes lanes;
  bool prioritized;
  Index leaves, eval_points;
  int depth;
  const AgentSettings* settings;  // of each agent, as the next two
  AgentControl* controls;
  unsigned char* blocks;
  int ticks;
};

/// What the loop takes of a block's shared memory beside the layout's.
int agent_shared_bytes();
/// The first `agents` of the launch go on by its ticks.
void run_agents(Stream& stream, const AgentLaunch& given, Index agents);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
