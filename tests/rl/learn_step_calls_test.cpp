// A learn step on one thread, from the draw of the batch to the new priorities, asks the system for nothing
// and takes no lock. (Nor does it allocate: trainer_determinism_test.cpp.)
#include <doctest/doctest.h>

#include "tests/support/sanitized.h"

// A sanitizer's own calls would be seen.
#if defined(__linux__) && !defined(BELLMAN_SANITIZED) && !defined(BELLMAN_MEMCHECKED)
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cpu/cpu_backend.h"
#include "rl/host_agent.h"
#include "rl/make_learner.h"
#include "rl/sampler.h"

static std::atomic<int> locks_taken{0};

// In the C library's place, to which it hands on.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const original =
      reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  ++locks_taken;
  return original(mutex);
}

namespace bellman {
namespace {

constexpr int kSteps = 100;

/// An agent of CartPole's shape with some episodes behind it.
class BusyAgent {
 public:
  BusyAgent(LearnerKind kind, bool prioritized) : network_("dense 64, relu, dense 64, relu, dense 2", {4}) {
    constexpr Index kSlots = 500, kBatch = 64;
    LearnerOptions options;
    options.slots = kSlots;
    options.max_batch = kBatch;
    options.max_grad_norm = 10;
    std::unique_ptr<Sampler> sampler = std::make_unique<UniformSampler>(kSlots, 1);
    if (prioritized) sampler = std::make_unique<PrioritizedSampler>(kSlots, 1, PriorityPower{});
    agent_ =
        std::make_unique<HostAgent>(ReplayRing(kSlots, 1, 1, 0.99), std::move(sampler),
                                    make_learner(kind, backend_, network_, options), kBatch, 2, OnNan::kStop);
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
  std::unique_ptr<HostAgent> agent_;
  std::uint64_t number_ = 0;
};

/// Runs f in a process of its own that may not call the system, but to write and to end. Returns the status
/// that waitpid() gives.
template <class F>
int status_without_system(F f) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(1);
    f();
    syscall(SYS_exit, 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

bool ended_well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

template <class F>
void for_each_agent(F f) {
  for (const LearnerKind kind : {LearnerKind::kOpByOp, LearnerKind::kFused})
    for (const bool prioritized : {false, true}) {
      const std::string name = description(kind);
      CAPTURE(name);
      CAPTURE(prioritized);
      BusyAgent agent(kind, prioritized);
      f(agent);
    }
}

TEST_CASE("a learn step makes no system call") {
  if (!ended_well(status_without_system([] {}))) {
    MESSAGE("SKIPPED: a process cannot be forbidden its calls here (seccomp)");
    return;
  }
  REQUIRE_FALSE(ended_well(status_without_system([] { getppid(); })));  // a call is noticed
  for_each_agent([](BusyAgent& agent) {
    CHECK(ended_well(status_without_system([&agent] {
      for (int i = 0; i < kSteps; ++i) agent.learn();
    })));
  });
}

TEST_CASE("a learn step takes no lock") {
  std::mutex mutex;
  const int at_first = locks_taken;
  mutex.lock();
  mutex.unlock();
  REQUIRE(locks_taken == at_first + 1);  // a lock is noticed
  for_each_agent([](BusyAgent& agent) {
    const int before = locks_taken;
    for (int i = 0; i < kSteps; ++i) REQUIRE(agent.learn());
    CHECK(locks_taken - before == 0);
  });
}

}  // namespace
}  // namespace bellman
#endif
