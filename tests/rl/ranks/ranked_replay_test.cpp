// What several ranks draw from a prioritised replay and learn from, against the priorities.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "rl/ranks/lockstep.h"
#include "rl/ranks/ranked_learner.h"
#include "rl/replay/host_replay.h"
#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {
namespace {

constexpr Index kEnvs = 6, kSteps = 10, kBatch = 24;
constexpr std::size_t kTransitions = kEnvs * kSteps;
constexpr PriorityPower kPower = {.alpha = 0.6, .epsilon = 1e-6};
constexpr std::uint64_t kWarmUp = 100, kLearnSteps = 2000;

using Counts = std::vector<double>;  // (kTransitions)

/// The TD error that a transition always has. Environments differ sixfold, so that a rank draws more of its own than its
/// share, or less.
float td_error_of(Index transition) {
  const Index env = transition / kSteps, step = transition % kSteps;
  return static_cast<float>(1 + env) * (0.5F + static_cast<float>(step % 5)) * (step % 2 == 0 ? 1.0F : -1.0F);
}

/// Counts what it is given, by the observation, which is the transition's number.
class CountingLearner final : public Learner {
 public:
  explicit CountingLearner(Counts& counts) : counts_(counts) {}
  LearnStats learn(const Batch& batch, float /*learning_rate*/, std::span<float> td_error) override {
    std::vector<float> states(batch.slots.size());
    batch.observations->gather(states, batch.slots);
    for (std::size_t n = 0; n < states.size(); ++n) {
      if (!(states[n] >= 0)) fail("an observation that no rank has");
      const auto transition = static_cast<Index>(states[n]);
      ++counts_.at(static_cast<std::size_t>(transition));
      td_error[n] = td_error_of(transition);
    }
    return {};
  }
  void q_values(std::span<float>, std::span<const float>, Index) override {}
  void update_target(float) override {}
  void get_parameters(std::span<float>) override {}
  void set_parameters(std::span<const float>) override {}
  void save(StateWriter&) const override {}
  void load(const StateReader&) override {}

 private:
  Counts& counts_;
};

HostReplay filled_replay(const RankShare& own, Index landing_rows) {
  constexpr Index kSlots = kEnvs * (kSteps + 2);
  HostReplay replay(ReplayRing(kSlots, kEnvs, 1, 0.9),
                    std::make_unique<PrioritizedSampler>(kSlots, 5, kPower), 1, ObservationType::kFloat32,
                    kBatch, {own, landing_rows});
  for (Index env = 0; env < kEnvs; ++env)
    for (Index step = 0; step <= kSteps; ++step) {
      const float observation =
          own.has(env) ? static_cast<float>(env * kSteps + step) : std::numeric_limits<float>::quiet_NaN();
      if (step == 0)
        replay.begin_episode(env, {&observation, 1});
      else
        replay.add(env, 0, 0.0F, false, false, {&observation, 1});
    }
  return replay;
}

/// How often all ranks together learned from each transition, once priorities are those of its TD error.
Counts counts_of(int ranks) {
  std::vector<Counts> counts(static_cast<std::size_t>(ranks), Counts(kTransitions));
  on_thread_ranks(ranks, [&](Ranks& self) {
    Counts& own = counts[static_cast<std::size_t>(self.rank())];
    Lockstep lockstep(self, kEnvs);
    HostReplay replay = filled_replay(lockstep.envs(), 2 * share_of(kBatch, 0, ranks).count);
    RankedLearner learner(std::make_unique<CountingLearner>(own), lockstep, replay, kBatch);
    std::array<float, kBatch> td_error{};
    for (std::uint64_t step = 1; step <= kWarmUp + kLearnSteps; ++step) {
      const Batch batch = replay.sample(step, 0.4);
      learner.learn(batch, 1e-3F, td_error);
      replay.update_priorities(batch, td_error);
      if (step != kWarmUp) continue;
      if (self.size() == 1 && std::ranges::count(own, 0.0) > 0) fail("a transition keeps its first priority");
      std::ranges::fill(own, 0.0);
    }
  });
  Counts all(kTransitions);
  for (const Counts& of_rank : counts)
    std::transform(all.begin(), all.end(), of_rank.begin(), all.begin(), std::plus<>());
  return all;
}

/// Pearson's: sum (count - expected)^2 / expected, with what is expected in proportion to `weights`.
double chi_squared(const Counts& counts, const Counts& weights) {
  const double scale =
      std::reduce(counts.begin(), counts.end()) / std::reduce(weights.begin(), weights.end());
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = weights[i] * scale;
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

/// Of independent draws one experiment in a thousand is above this, with 59 degrees of freedom. Stratified draws scatter less.
constexpr double kMostChiSquared = 98.3;

TEST_CASE("ranks learn from transitions as often as the priorities say, however many ranks there are") {
  Counts weights;
  for (std::size_t i = 0; i < kTransitions; ++i)
    weights.push_back(std::pow(
        std::abs(static_cast<double>(td_error_of(static_cast<Index>(i)))) + kPower.epsilon, kPower.alpha));
  const Counts alone = counts_of(1);
  for (const int ranks : {1, 2, 3, 4}) {
    CAPTURE(ranks);
    const Counts counts = ranks == 1 ? alone : counts_of(ranks);
    CHECK(std::reduce(counts.begin(), counts.end()) == static_cast<double>(kLearnSteps * kBatch));
    CHECK(chi_squared(counts, weights) < kMostChiSquared);
    CHECK(counts == alone);  // one distribution, and the same draws
  }
  // The test tells other distributions: equal ones, alpha 0.7 for 0.6, priorities that are one transition further.
  Counts equal(kTransitions, 1.0), steeper = weights, shifted = weights;
  for (double& weight : steeper) weight = std::pow(weight, 0.7 / kPower.alpha);
  std::rotate(shifted.begin(), shifted.begin() + 1, shifted.end());
  for (const Counts& other : {equal, steeper, shifted})
    CHECK(chi_squared(alone, other) > 3 * kMostChiSquared);
}

}  // namespace
}  // namespace bellman::test
