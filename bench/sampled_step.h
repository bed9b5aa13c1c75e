// A learn step from drawing the batch to Adam's last write, as training does it: the sampler's draw, the
// ring's bookkeeping, then the learner, which gathers both observations. On a full replay of made-up
// transitions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/workloads.h"
#include "core/cpu/cpu_backend.h"
#include "core/network.h"
#include "core/rng.h"
#include "rl/fused_learner.h"
#include "rl/learner_options.h"
#include "rl/op_by_op_learner.h"
#include "rl/replay_ring.h"
#include "rl/sampler.h"

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
                            std::make_unique<FusedLearner>(backend, network, options));
                      }});
  return learners;
}

class SampledStep {
 public:
  /// REQUIRES: the backend outlives it.
  SampledStep(const Workload& workload, const LearnerEntry& learner, Backend& backend)
      : network_(workload.network, workload.observation),
        learner_(learner.make(backend, network_, options(workload.batch))),
        ring_(kSlots, 1, 1, 0.99),
        sampler_(kSlots, 1),
        arrays_(workload.batch),
        td_errors_(static_cast<std::size_t>(workload.batch)) {
    fill();
  }

  LearnStats run() {
    sampler_.sample(++step_, arrays_.slots, arrays_.weights);
    return learner_->learn(ring_.assemble(arrays_, arrays_.capacity()), 1e-3F, td_errors_);
  }
  const Network& network() const { return network_; }
  std::vector<float> parameters() const {
    std::vector<float> all(static_cast<std::size_t>(network_.layout().size()));
    learner_->get_parameters(all);
    return all;
  }

 private:
  static constexpr Index kSlots = 10'000;
  static constexpr Index kEpisode = 200;

  static LearnerOptions options(Index batch) {
    LearnerOptions options;
    options.slots = kSlots;
    options.max_batch = batch;
    return options;
  }
  /// Once round the ring, and half of it again.
  void fill() {
    RandomSequence random(RandomStream{1, Purpose::kTest, 0});
    std::vector<float> observation(static_cast<std::size_t>(network_.input_shape().elements()));
    for (Index t = 0; t < kSlots + kSlots / 2; ++t) {
      const Index place = t % (kEpisode + 1);
      const auto action = static_cast<std::int32_t>(t % 2);
      const ReplayWrite write = place == 0 ? ring_.begin_episode(0)
                                           : ring_.add(0, action, static_cast<float>(random.uniform(-1, 1)),
                                                       place == kEpisode, false);
      for (float& value : observation) value = static_cast<float>(random.uniform(-1, 1));
      learner_->store(write.slot, observation);
      sampler_.on_write(write);
    }
  }

  Network network_;
  std::unique_ptr<Learner> learner_;
  ReplayRing ring_;
  UniformSampler sampler_;
  BatchArrays arrays_;
  std::vector<float> td_errors_;
  std::uint64_t step_ = 0;
};

}  // namespace bellman::bench
