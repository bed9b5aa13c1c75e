// What a run asks of a device: one upload an environment step, and learn steps that wait for nothing.
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "rl/learn/agent.h"
#include "tests/support/backends.h"

namespace bellman::test {
namespace {

struct Rig {
  Rig(DeviceBackend& b, bool prioritized)
      : backend(b),
        network("dense 8, relu, dense 2", {3}),
        agent(device_agent(b, b.replay_ops(), network, ReplayRing(64, 1, 2, 0.9), options(),
                           {.prioritized = prioritized, .priorities = {}, .seed = 5})) {
    agent.begin_episode(0, observation);
    for (int i = 0; i < 8; ++i) step();
  }
  static LearnerOptions options() {
    LearnerOptions o;
    o.max_batch = 4;
    o.max_grad_norm = 1;
    return o;
  }
  void step() { agent.add(0, 1, 0.5F, false, false, observation); }
  void act() {
    std::int32_t action = 0;
    agent.act({&action, 1}, observation, {.seed = 1, .round = 0, .epsilon = 0});
  }
  void learn() {
    // Another number, learning rate and beta each time, as in training.
    agent.learn({.number = number,
                 .timestep = 0,
                 .learning_rate = 1e-3F / static_cast<float>(1 + number),
                 .beta = 0.5 + 1e-3 * static_cast<double>(number)});
    ++number;
  }

  DeviceBackend& backend;
  Network network;
  std::vector<float> observation = {0.25F, -0.5F, 1.0F};
  Agent agent;
  std::uint64_t number = 0;
};

TEST_CASE("a learn step waits for nothing and is one call: recorded once, replayed ever after") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends())
    for (const bool prioritized : {false, true}) {
      CAPTURE(backend->name());
      CAPTURE(prioritized);
      Rig rig(*backend, prioritized);
      rig.act();
      rig.learn();
      const DeviceCounters before = backend->counters();
      for (int i = 0; i < 20; ++i) rig.learn();
      const DeviceCounters after = backend->counters();
      CHECK(after.synchronisations == before.synchronisations);
      CHECK(after.recordings == before.recordings);
      CHECK(after.replays == before.replays + 20);
      CHECK(after.launches == before.launches);
      // Priorities draw on the device; uniform slots are drawn on the host, and nothing else is sent.
      CHECK(after.uploads == before.uploads + (prioritized ? 0 : 20));
    }
}

TEST_CASE("an environment step with its learn step is one upload and one wait: for the action") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends())
    for (const bool prioritized : {false, true}) {
      CAPTURE(backend->name());
      CAPTURE(prioritized);
      Rig rig(*backend, prioritized);
      rig.act();
      rig.learn();
      const DeviceCounters before = backend->counters();
      for (int i = 0; i < 20; ++i) {
        rig.act();
        rig.step();
        rig.learn();
      }
      const DeviceCounters after = backend->counters();
      CHECK(after.uploads == before.uploads + 20);
      CHECK(after.synchronisations == before.synchronisations + 20);
    }
}

}  // namespace
}  // namespace bellman::test
