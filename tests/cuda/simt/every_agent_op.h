// Whole agents, from their first tick to their last: beside every_fused_op.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/nn/agent_kernel.h"
#include "core/nn/device_backend.h"
#include "core/nn/network.h"

namespace bellman::test {

class EveryAgentOp {
 public:
  struct Op {
    std::string name;
    std::function<void()> call;
  };

  explicit EveryAgentOp(DeviceBackend& device) : device_(device) {
    add("dense 9, relu, dense 2", false, 100);
    add("dense 9, relu, dense 2", true, 100);
    add("dense 128, relu, dense 128, relu, dense 2", false, 1);  // does not fit shared memory
  }
  const std::vector<Op>& ops() const { return ops_; }

 private:
  /// CartPole with three environments, whose episodes are of four steps at most: six rounds of which three
  /// learn, an evaluation that is confirmed, and the final one.
  void add(const std::string& text, bool prioritized, Index ticks) {
    const Network network(text, {4});
    AgentShape shape;
    const std::string unknown = describe_dense_chain(shape.chain, network);
    if (!unknown.empty()) fail("no chain of dense layers: ", unknown);
    shape.parameters = network.layout().size();
    shape.learner.batch = 20;
    shape.num_envs = 3;
    shape.slots = 30;
    shape.prioritized = prioritized;
    shape.eval_lanes = 3;
    shape.eval_points = 3;
    const AgentEnv env = {.inputs = 4,
                          .actions = 2,
                          .max_episode_steps = 4,
                          .eval_episode_steps = 4,
                          .ending_reward = 1,
                          .other_reward = 1};
    AgentSettings settings;
    settings.learner = shape.learner;
    settings.total_timesteps = 18;
    settings.learning_starts = 7;
    settings.train_frequency = 3;
    settings.target_network_frequency = 9;
    settings.eval_frequency = 12;
    settings.eval_episodes = 2;
    settings.solve_confirm_episodes = settings.final_eval_episodes = 3;
    settings.epsilon = {.start = 0.5, .end = 0.5};
    settings.learning_rate = {.start = 0.01, .end = 0.01};
    settings.beta = {.start = 0.5, .end = 1, .duration = 18};
    std::vector<float> parameters(static_cast<std::size_t>(shape.parameters));
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] = 0.01F * static_cast<float>(i % 19);
    const std::shared_ptr<AgentKernel> agents = device_.agent_kernel_ops()->make_agent_kernel(shape, env, 2);
    ops_.push_back({"agent_kernel", [agents, settings, parameters, ticks] {
                      agents->start(1, settings, parameters);
                      agents->advance(1);
                      agents->advance(ticks);
                    }});
  }

  DeviceBackend& device_;
  std::vector<Op> ops_;
};

}  // namespace bellman::test
