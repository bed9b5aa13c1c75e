// The state of agents on a device: the same bits whatever runs beside an agent, however launches are cut, and
// after save and load. A damaged state is refused.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/control/continuous_env.h"
#include "tests/cuda/agent_kernel/agent_kernel_rig.h"
#include "tests/cuda/fused/fused_dqn_rig.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

/// With priorities and without.
std::vector<TrainConfig> two_kinds() {
  TrainConfig config = with_everything();
  config.total_timesteps = 90;
  config.eval_frequency = 40;
  TrainConfig uniform = config;
  uniform.prioritized = false;
  uniform.env.id = "CartPole-v1";  // whose first states are drawn, too
  return {config, uniform};
}

/// f(device, configuration) for each device and kind.
template <class F>
void for_each_agent(F f) {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const TrainConfig& config : two_kinds()) f(*device, config);
}

/// The names of the arrays in which two states differ.
std::string difference(const AgentKernel& agents, const std::vector<std::byte>& a,
                       const std::vector<std::byte>& b) {
  std::string names;
  const std::vector<AgentArray>& arrays = agents.arrays();
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::size_t end = i + 1 < arrays.size() ? arrays[i + 1].begin : a.size();
    if (std::memcmp(a.data() + arrays[i].begin, b.data() + arrays[i].begin, end - arrays[i].begin) != 0)
      names += arrays[i].name + " ";
  }
  return names;
}

TEST_CASE("an agent is the same to the bit whatever runs beside it, and however launches are cut") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig alone(device, config, 1);
    alone.start(0, config);
    alone.finish(0, 1000);
    const std::vector<std::byte> expected = alone.state(0);

    AgentKernelRig beside(device, config, 3);
    TrainConfig other = config;
    other.seed = 2;
    other.learning_rate = 3e-3;
    other.total_timesteps = 60;
    beside.start(0, other);
    beside.start(2, config);
    beside.finish(2, 7);
    CHECK(difference(beside.agents(), beside.state(2), expected) == "");
    beside.finish(0, 7);
    CHECK(difference(beside.agents(), beside.state(0), expected) != "");
    CHECK(beside.status(1).phase == AgentStatus::Phase::kIdle);
  });
}

// Little work, for racecheck (scripts/gpu/steps.py), which follows every access.
TEST_CASE("sixty ticks are the same to the bit in one launch and in many") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig once(device, config, 1), often(device, config, 1);
    once.start(0, config);
    often.start(0, config);
    once.agents().advance(60);
    for (int i = 0; i < 6; ++i) often.agents().advance(10);
    CHECK(once.status(0).gradient_updates > 0);
    CHECK(difference(once.agents(), once.state(0), often.state(0)) == "");
  });
}

TEST_CASE("an agent that is saved, and loaded in another place, continues to the same bits") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig first(device, config, 1);
    first.start(0, config);
    std::vector<std::vector<std::byte>> states;
    while (first.status(0).phase == AgentStatus::Phase::kRunning) {
      first.agents().advance(9);
      states.push_back(first.state(0));
    }
    REQUIRE(states.size() > 4);
    for (const std::size_t i : {std::size_t{0}, states.size() / 2, states.size() - 2}) {
      AgentKernelRig second(device, config, 2);
      second.start(1, config);
      second.agents().load(1, states[i]);
      second.finish(1, 5);
      CHECK(difference(second.agents(), second.state(1), states.back()) == "");
    }
  });
}

TEST_CASE("an agent's ticks say which moment it is at: after as many the state is the same to the bit") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig first(device, config, 1), second(device, config, 1);
    first.start(0, config);
    second.start(0, config);
    CHECK(first.agents().status_of(first.state(0)).ticks == 0);
    Index ticks = 0;
    // Rounds, and in the middle of evaluations.
    for (const Index more : {Index{1}, Index{13}, Index{20}, Index{31}}) {
      ticks += more;
      first.agents().advance(more);
      while (second.status(0).ticks < ticks)
        second.agents().advance(std::min<Index>(7, ticks - second.status(0).ticks));
      const std::vector<std::byte> state = first.state(0);
      REQUIRE(first.status(0).phase == AgentStatus::Phase::kRunning);
      CHECK(first.agents().status_of(state).ticks == ticks);
      CHECK(first.agents().status_of(state).timestep == first.status(0).timestep);
      CHECK(difference(first.agents(), state, second.state(0)) == "");
    }
    first.finish(0, 1000);
    second.finish(0, 1);
    CHECK(first.status(0).ticks == second.status(0).ticks);  // none after the end
  });
}

/// Arrays that index others, or that a run would go wrong with.
const std::set<std::string>& looked_up_by() {
  static const std::set<std::string> names = {"control",
                                              "envs.physical",
                                              "eval.physical",
                                              "eval.ends",
                                              "replay.heads",
                                              "replay.pending",
                                              "replay.kinds",
                                              "replay.actions",
                                              "replay.next_slots",
                                              "replay.observations",
                                              "sampler.nodes",
                                              "sampler.slots",
                                              "sampler.places",
                                              "online",
                                              "target",
                                              "optimizer.m",
                                              "optimizer.v",
                                              "kept.parameters"};
  return names;
}

TEST_CASE("a saved agent with an index or a number that none can have is refused by its name") {
  for_each_agent([](DeviceBackend& device, const TrainConfig& config) {
    AgentKernelRig rig(device, config, 1);
    rig.start(0, config);
    rig.agents().advance(25);
    const std::vector<std::byte> whole = rig.state(0);
    rig.agents().load(0, whole);
    int checked = 0;
    for (const AgentArray& array : rig.agents().arrays()) {
      if (looked_up_by().count(array.name) == 0) continue;
      ++checked;
      CAPTURE(array.name);
      std::vector<std::byte> damaged = whole;  // NaN, or an index far out
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(array.begin), 4, std::byte{0xfe});
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(array.begin) + 4, 4, std::byte{0xff});
      CHECK(error_message([&] { rig.agents().load(0, damaged); }).starts_with("a saved agent: "));
    }
    CHECK(checked == (config.prioritized ? 16 : 17));  // of each sampler's arrays those that it has
    CHECK(rig.state(0) == whole);
  });
}

TEST_CASE("a saved agent whose environment is beyond its bounds is refused") {
  // Of CartPole any number below 1e30 can be; no other task has wider bounds.
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const ContinuousEntry& entry : continuous_entries()) {
      CAPTURE(entry.entry.id);
      TrainConfig config = evaluated_training();
      config.env.id = entry.entry.id;
      AgentKernelRig rig(*device, config, 1);
      rig.start(0, config);
      rig.agents().advance(5);
      const std::vector<std::byte> whole = rig.state(0);
      for (const AgentArray& array : rig.agents().arrays()) {
        if (array.name != "envs.physical" && array.name != "eval.physical") continue;
        std::vector<std::byte> far = whole;
        const double value = -1e200;
        std::memcpy(&far[array.begin], &value, sizeof value);
        CHECK(contains(error_message([&] { rig.agents().load(0, far); }), "is -1e+200, must be from "));
      }
    }
}

}  // namespace
}  // namespace bellman::test
