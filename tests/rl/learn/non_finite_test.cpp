// A learn step with non-finite numbers: nothing of it is applied, and the message says where they were.
// For agents with the replay in host memory and in a backend's.
#include "rl/learn/non_finite.h"

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/agent.h"
#include "rl/learn/op_by_op_learner.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"

namespace bellman {
namespace {

using test::contains;
using test::error_message;

TEST_CASE("a place of an arena has a name") {
  const Network network("dense 3, relu, dense 2", {4});
  const ArenaLayout& layout = network.layout();
  CHECK(element_name(layout, 0) == "0.weight (0,0)");
  CHECK(element_name(layout, 7) == "0.weight (1,3)");
  CHECK(element_name(layout, layout.find("2.bias").offset + 1) == "2.bias (1)");
  CHECK(error_message([&] { element_name(layout, 12); }) ==
        "place 12 belongs to no tensor of an arena of 64 elements");
  std::vector<float> values(static_cast<std::size_t>(layout.size()));
  CHECK(first_non_finite("", layout, values).empty());
  values[7] = -test::kInfinityF;
  values[9] = test::kNanF;
  CHECK(first_non_finite("the gradient of ", layout, values) == "the gradient of 0.weight (1,3) is -inf");
}

TEST_CASE(
    "the worst sample has the largest error, NaN before all, and shows its observations' largest numbers") {
  ObservationStore observations(4, 2, ObservationType::kFloat32);
  observations.store(1, std::vector<float>{1, -3e38F});
  observations.store(2, std::vector<float>{0.5F, 0.25F});
  BatchArrays arrays(3);
  arrays.slots = {0, 1, 2};
  arrays.next_slots = {1, 2, 3};
  arrays.rewards = {0, 1e30F, 5};
  CHECK(worst_sample(arrays.first(3, &observations), std::vector<float>{1, -test::kInfinityF, 3}) ==
        "sample 1 of 3 (replay slot 1, action 0, reward 1e+30) has the TD error -inf; the largest number of "
        "its "
        "observation is -3e+38, of the next one 0.5");
  CHECK(worst_sample(arrays.first(3, &observations), std::vector<float>{test::kInfinityF, 2, test::kNanF})
            .starts_with("sample 2 of 3"));
}

// ---- agents

/// An agent of one environment with a linear network of two actions that are 0 everywhere, and one transition of
/// which all batches are made.
struct AgentRig {
  AgentRig(Backend& backend, ReplayOps* ops, OnNan on_nan, OptimizerOptions optimizer = AdamOptions{})
      : network("dense 2", {1}) {
    LearnerOptions options;
    options.max_batch = 2;
    options.optimizer = optimizer;
    options.on_nan = on_nan;
    ReplayRing ring(8, 1, 1, 0.9);
    if (ops)
      agent = std::make_unique<Agent>(device_agent(backend, *ops, network, std::move(ring), options,
                                                   {.prioritized = true, .priorities = {}, .seed = 3}));
    else
      agent = std::make_unique<Agent>(
          host_agent(HostReplay(std::move(ring), std::make_unique<PrioritizedSampler>(8, 3, PriorityPower{}),
                                1, ObservationType::kFloat32, 2),
                     std::make_unique<OpByOpLearner>(backend, network, options), 2, on_nan));
    set_parameters(0);
  }
  void set_parameters(float value) {
    std::vector<float> flat(static_cast<std::size_t>(network.layout().size()));
    for (const ArenaLayout::Entry& entry : network.layout().entries())
      for (Index i = 0; i < entry.shape.elements(); ++i)
        flat[static_cast<std::size_t>(entry.offset + i)] = value;
    agent->set_parameters(flat);
    agent->update_target(1);
  }
  void store(float observation, float reward) {
    agent->begin_episode(0, {&observation, 1});
    agent->add(0, 1, reward, true, false, {&observation, 1});
  }
  void learn(float learning_rate = 0.01F) {
    agent->learn({.number = number++, .timestep = 77, .learning_rate = learning_rate, .beta = 1});
  }
  /// Learns; the host's agent throws at once, the other when it is asked.
  std::string stop(float learning_rate = 0.01F) {
    return error_message([&] {
      learn(learning_rate);
      agent->take_summary();
    });
  }
  std::vector<float> parameters() const {
    std::vector<float> flat(static_cast<std::size_t>(network.layout().size()));
    agent->get_parameters(flat);
    return flat;
  }
  TensorFile state() const {
    TensorFile file;
    StateWriter out(file);
    agent->save(out);
    return file;
  }

  Network network;
  std::unique_ptr<Agent> agent;
  std::uint64_t number = 11;
};

/// f(make) for each place a replay can be in; make(on_nan, optimizer) is a AgentRig there.
void for_each_agent(
    const std::function<void(const std::function<std::unique_ptr<AgentRig>(OnNan, OptimizerOptions)>&)>& f) {
  const auto run = [&](const std::string& name, Backend& backend, ReplayOps* ops) {
    INFO("agent: ", name);
    f([&](OnNan on_nan, OptimizerOptions optimizer) {
      return std::make_unique<AgentRig>(backend, ops, on_nan, optimizer);
    });
  };
  ReferenceBackend<float> reference;
  CpuBackend cpu;
  HostReplayOps ops;
  run("host, reference", reference, nullptr);
  run("host, cpu", cpu, nullptr);
  run("device replay, host memory", reference, &ops);
  for (const std::unique_ptr<DeviceBackend>& device : test::device_backends()) {
    run(std::string("host, ") + device->name(), *device, nullptr);
    run(std::string("device replay, ") + device->name(), *device, &device->replay_ops());
  }
}

struct Case {
  const char* name;
  float observation, reward, parameter;
  std::vector<const char*> parts;  // of the message
};

const Case kCases[] = {
    {"an infinite observation",
     test::kInfinityF,
     1,
     0,
     {"a loss is not finite: the loss is nan", "the gradient of 0.weight (0,0)"}},
    {"a reward whose square overflows",
     1,
     1e30F,
     0,
     {"a loss is not finite: the loss is inf", "reward 1e+30"}},
    {"a gradient that overflows",
     1e38F,
     2,
     0,
     {"a gradient is not finite: the loss is 4", "the gradient of 0.weight (1,0)"}},
};

TEST_CASE("stop: the message names update, step, tensor and sample, and nothing was applied") {
  for_each_agent([](const auto& make) {
    for (const Case& c : kCases) {
      CAPTURE(c.name);
      const auto rig = make(OnNan::kStop, AdamOptions{});
      rig->store(c.observation, c.reward);
      const std::vector<float> before = rig->parameters();
      const std::string message = rig->stop();
      CAPTURE(message);
      CHECK(message.starts_with("gradient update 12, at environment step 77: "));
      for (const char* part : c.parts) CHECK(contains(message, part));
      CHECK(contains(message, "sample 0 of 2 (replay slot 0, "));
      CHECK(contains(message, "TD error"));
      const std::string seen = std::isinf(c.observation) ? "inf" : c.observation == 1 ? "1" : "1e+38";
      CHECK((contains(message, "the largest number of its observation is " + seen) ||
             contains(message, "the largest number of the observation that is there now is " + seen)));
      CHECK(rig->parameters() == before);
    }
  });
}

TEST_CASE("stop: a parameter that is not finite is named") {
  for_each_agent([](const auto& make) {
    const auto rig = make(OnNan::kStop, AdamOptions{});
    rig->store(1, 1);
    rig->set_parameters(test::kNanF);
    const std::string message = rig->stop();
    CAPTURE(message);
    CHECK(contains(message, "gradient update 12, at environment step 77: a loss is not finite"));
    CHECK(contains(message, "0.weight (0,0)"));
  });
}

TEST_CASE("an overflow in the optimiser's step stops a run, whatever it skips, and nothing of it is saved") {
  for_each_agent([](const auto& make) {
    for (const OnNan on_nan : {OnNan::kStop, OnNan::kSkip}) {
      const auto rig = make(on_nan, SgdOptions{});
      rig->store(1, 2);
      const std::string message = rig->stop(2e38F);
      CAPTURE(message);
      CHECK(message.starts_with("gradient update 12, at environment step 77: a parameter is not finite"));
      CHECK(contains(message, "0.weight (1,0) is inf"));
      CHECK(contains(error_message([&] { rig->state(); }), "finite"));
      const auto moment = make(on_nan, AdamOptions{});
      moment->store(1e4F, 1e18F);  // its loss is 1e36, its gradient 2e22
      CHECK(contains(moment->stop(), "moment v of 0.weight (1,0) is inf"));
    }
  });
}

TEST_CASE("skip: the update is counted, and parameters, moments and priorities stay what they were") {
  for_each_agent([](const auto& make) {
    for (const Case& c : kCases) {
      if (!std::isfinite(c.observation)) continue;  // never stored by a trainer, never saved
      CAPTURE(c.name);
      const auto rig = make(OnNan::kSkip, AdamOptions{});
      rig->store(c.observation, c.reward);
      const TensorFile before = rig->state();
      for (int i = 0; i < 3; ++i) rig->learn();
      CHECK(rig->agent->skipped_updates() == 3);
      CHECK(std::isnan(rig->agent->take_summary().loss));
      const TensorFile after = rig->state();
      for (const FileTensor& tensor : before.tensors) {
        CAPTURE(tensor.name);
        if (!tensor.name.starts_with("summary.") && tensor.name != "optimizer.steps")
          CHECK(after.find(tensor.name)->bytes == tensor.bytes);
      }
    }
  });
}

TEST_CASE("skip: what follows is what would have been without the updates that were left out") {
  for_each_agent([](const auto& make) {
    const auto with = make(OnNan::kSkip, AdamOptions{}), without = make(OnNan::kSkip, AdamOptions{});
    for (AgentRig* const rig : {with.get(), without.get()}) {
      rig->store(1, 1);
      rig->learn();
      if (rig == with.get()) {
        const std::vector<float> good = rig->parameters();
        rig->agent->set_parameters(std::vector<float>(good.size(), test::kNanF));
        rig->learn();
        rig->learn();
        rig->agent->set_parameters(good);
      } else {
        rig->number += 2;
      }
      for (int i = 0; i < 3; ++i) rig->learn();
    }
    CHECK(with->agent->skipped_updates() == 2);
    CHECK(with->parameters() == without->parameters());
    CHECK(with->agent->take_summary().loss == without->agent->take_summary().loss);
  });
}

}  // namespace
}  // namespace bellman
