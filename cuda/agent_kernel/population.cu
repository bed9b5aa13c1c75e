// What a population can be made of, and what it takes (cuda/agent_kernel/population.h).
#include "cuda/agent_kernel/population.h"

#include <limits>

#include "core/base/check.h"
#include "cuda/agent_kernel/device_agents.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

void check_agent_shape(const AgentShape& shape, const AgentEnv& env) {
  constexpr Index kMost = std::numeric_limits<std::int32_t>::max();
  if (env.inputs != shape.chain.inputs || env.actions != shape.chain.actions)
    fail("the environment has ", env.inputs, " inputs and ", env.actions, " actions, the network ",
         shape.chain.inputs, " and ", shape.chain.actions);
  if (shape.num_envs < 1 || shape.n_step < 1 || shape.slots % shape.num_envs != 0 ||
      shape.slots / shape.num_envs <= shape.n_step || shape.slots > kMost)
    fail("a replay of ", shape.slots, " slots for ", shape.num_envs, " environments and returns of ",
         shape.n_step, " steps");
  if (shape.eval_lanes < 1 || shape.eval_lanes > kMost / 4 || shape.eval_points < 1)
    fail("evaluations of ", shape.eval_lanes, " episodes at once, ", shape.eval_points, " of them");
  if (shape.num_envs > kMost / (shape.n_step + 2)) fail(shape.num_envs, " environments");
  if (env.eval_episode_steps < 1 || env.eval_episode_steps > kMost)
    fail("an evaluation's episodes of ", env.eval_episode_steps, " steps");
}

DqnLayout agent_layout(const AgentShape& shape, int most_shared_bytes) {
  return dqn_layout(shape.chain, shape.learner, most_shared_bytes - agent_shared_bytes());
}

std::string agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env,
                                            int most_shared_bytes) {
  try {
    check_agent_shape(shape, env);
    agent_layout(shape, most_shared_bytes);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Index agent_kernel_bytes(const AgentShape& shape, int most_shared_bytes) {
  return agent_places(shape, agent_layout(shape, most_shared_bytes)).block_bytes +
         static_cast<Index>(sizeof(AgentControl) + sizeof(AgentSettings));
}

std::unique_ptr<AgentKernel> make_agent_kernel(Stream& stream, const AgentShape& shape, const AgentEnv& env,
                                               Index places, int most_shared_bytes) {
  return std::make_unique<DeviceAgents>(stream, shape, env, places, most_shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
