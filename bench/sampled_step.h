// A learn step from drawing the batch to Adam's last write, as training does it: an agent's, on a full
// replay of made-up transitions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/workloads.h"
#include "core/base/rng.h"
#include "core/cpu/cpu_backend.h"
#include "core/nn/network.h"
#include "rl/learn/agent.h"
#include "rl/learn/fused_cpu_learner.h"
#include "rl/learn/learner.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"

namespace bellman::bench {

struct LearnerEntry {
  std::string name;
  std::function<std::unique_ptr<Learner>(Backend&, const Network&, const LearnerOptions&)> make;
};

/// Every learner that runs on the CPU, the plain one first.
inline std::vector<LearnerEntry> cpu_learners() {
  std::vector<LearnerEntry> learners;
  learners.push_back(
      {"op-by-op", [](Backend& backend, const Network& network, const LearnerOptions& options) {
         return std::unique_ptr<Learner>(std::make_unique<OpByOpLearner>(backend, network, options));
       }});
  learners.push_back({"fused", [](Backend& backend, const Network& network, const LearnerOptions& options) {
                        return std::unique_ptr<Learner>(
                            std::make_unique<FusedCpuLearner>(backend, network, options));
                      }});
  return learners;
}

class SampledStep {
 public:
  static constexpr Index kSlots = 10'000;

  /// A replay of `slots`. REQUIRES: the backend outlives it.
  SampledStep(const Workload& workload, const LearnerEntry& learner, Backend& backend, Index slots = kSlots)
      : network_(workload.network, workload.observation),
        agent_(host_agent(
            HostReplay(ReplayRing(slots, 1, 1, 0.99), std::make_unique<UniformSampler>(slots, 1),
                       network_.input_shape().elements(), ObservationType::kFloat32, workload.batch),
            learner.make(backend, network_, options(workload.batch)), network_.output_shape().elements())) {
    fill(slots);
  }

  /// The step's loss.
  float run() {
    agent_.learn({.number = ++step_, .learning_rate = 1e-3F});
    return agent_.last_loss();
  }
  const Network& network() const { return network_; }
  std::vector<float> parameters() {
    std::vector<float> all(static_cast<std::size_t>(network_.layout().size()));
    agent_.get_parameters(all);
    return all;
  }

 private:
  static constexpr Index kEpisode = 200;

  static LearnerOptions options(Index batch) {
    LearnerOptions options;
    options.max_batch = batch;
    return options;
  }
  /// Fills the ring one and a half times.
  void fill(Index slots) {
    RandomSequence random(RandomStream{1, Purpose::kTest, 0});
    std::vector<float> observation(static_cast<std::size_t>(network_.input_shape().elements()));
    for (Index t = 0; t < slots + slots / 2; ++t) {
      for (float& value : observation) value = static_cast<float>(random.uniform(-1, 1));
      const Index place = t % (kEpisode + 1);
      if (place == 0)
        agent_.begin_episode(0, observation);
      else
        agent_.add(0, static_cast<std::int32_t>(t % 2), static_cast<float>(random.uniform(-1, 1)),
                   place == kEpisode, false, observation);
    }
  }

  Network network_;
  Agent agent_;
  std::uint64_t step_ = 0;
};

}  // namespace bellman::bench
