// A learn step on one thread, from the draw of the batch to the new priorities, asks the system for nothing
// and takes no lock. (Nor does it allocate: trainer_determinism_test.cpp.)
#include <doctest/doctest.h>

#include "tests/support/sanitized.h"

// A sanitizer's own calls would be seen.
#if !defined(BELLMAN_SANITIZED) && !defined(BELLMAN_MEMCHECKED)
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

#include "core/cpu/cpu_backend.h"
#include "rl/learn/agent.h"
#include "rl/learn/make_learner.h"
#include "rl/replay/sampler.h"
#include "tests/support/counts/lock_count.h"
#include "tests/support/counts/system_call_count.h"

namespace bellman::test {
namespace {

constexpr int kSteps = 100;

/// An agent of CartPole's shape with some episodes behind it.
class BusyAgent {
 public:
  BusyAgent(LearnerKind kind, bool prioritized) : network_("dense 64, relu, dense 64, relu, dense 2", {4}) {
    constexpr Index kSlots = 500, kBatch = 64;
    LearnerOptions options;
    options.max_batch = kBatch;
    options.max_grad_norm = 10;
    std::unique_ptr<Sampler> sampler = std::make_unique<UniformSampler>(kSlots, 1);
    if (prioritized) sampler = std::make_unique<PrioritizedSampler>(kSlots, 1, PriorityPower{});
    agent_ = std::make_unique<Agent>(host_agent(
        HostReplay(ReplayRing(kSlots, 1, 1, 0.99), std::move(sampler), 4, ObservationType::kFloat32, kBatch),
        make_learner(kind, backend_, network_, options), 2, OnNan::kStop));
    const std::vector<float> observation = {0.1F, -0.2F, 0.3F, 0.4F};
    for (int t = 0; t < 600; ++t)
      if (t % 50 == 0)
        agent_->begin_episode(0, observation);
      else
        agent_->add(0, t % 2, 1, t % 50 == 49, false, observation);
    learn();
  }
  bool learn() {
    return agent_->learn({.number = number_++, .timestep = 600, .learning_rate = 1e-3F, .beta = 0.5});
  }

 private:
  CpuBackend backend_;
  Network network_;
  std::unique_ptr<Agent> agent_;
  std::uint64_t number_ = 0;
};

template <class F>
void for_each_agent(F f) {
  for (const LearnerKind kind : {LearnerKind::kOpByOp, LearnerKind::kFused})
    for (const bool prioritized : {false, true}) {
      const std::string name = kind == LearnerKind::kFused ? "fused" : "op by op";
      CAPTURE(name);
      CAPTURE(prioritized);
      BusyAgent agent(kind, prioritized);
      f(agent);
    }
}

TEST_CASE("a learn step makes no system call") {
  const std::optional<long> of_nothing = system_calls([] {});
  if (!of_nothing) {
    MESSAGE("SKIPPED: a process cannot be traced here (ptrace)");
    return;
  }
  REQUIRE(*of_nothing == 0);
  const auto ask_thrice = [] {
    for (int i = 0; i < 3; ++i) getppid();
  };
  REQUIRE(system_calls(ask_thrice) == 3);
  for_each_agent([](BusyAgent& agent) {
    const auto steps = [&agent] {
      for (int i = 0; i < kSteps; ++i)
        if (!agent.learn()) _exit(1);
    };
    CHECK(system_calls(steps) == 0);
  });
}

TEST_CASE("work that ends its process has no count of system calls") {
  CHECK(system_calls([] { _exit(1); }) == std::nullopt);
  CHECK(system_calls([] { kill(getpid(), SIGKILL); }) == std::nullopt);
}

TEST_CASE("a learn step takes no lock") {
  std::mutex mutex;
  const long at_first = locks();
  mutex.lock();
  mutex.unlock();
  REQUIRE(locks() == at_first + 1);  // a lock is noticed
  for_each_agent([](BusyAgent& agent) {
    const long before = locks();
    for (int i = 0; i < kSteps; ++i) REQUIRE(agent.learn());
    CHECK(locks() - before == 0);
  });
}

}  // namespace
}  // namespace bellman::test
#endif
