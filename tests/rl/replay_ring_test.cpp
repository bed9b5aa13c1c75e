// The ring against a memory that keeps every transition that ever was, as plainly as can be.
#include "rl/replay_ring.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/check.h"
#include "core/rng.h"
#include "tests/support/error_message.h"

using namespace bellman;
using bellman::test::error_message;

namespace {

/// One step as it happened. Observations are numbered in the order they were written to a lane.
struct Transition {
  Index observation = 0;  // s
  std::int32_t action = 0;
  float reward = 0;
  bool terminated = false, truncated = false;
  Index next_observation = 0;  // s', the real final one at an episode's end
};

struct NStep {
  double reward = 0, discount = 1;
  Index next_observation = 0;
  bool terminated = false;
};

/// A lane that forgets nothing.
struct Oracle {
  std::vector<Transition> transitions;
  Index observations = 0;  // written so far

  /// The n-step transition from the i-th step, if it is complete.
  std::optional<NStep> n_step(std::size_t i, Index n, double gamma) const {
    NStep result;
    for (Index k = 0; k < n; ++k, ++i) {
      if (i == transitions.size()) return std::nullopt;
      result.reward += result.discount * transitions[i].reward;
      result.discount *= gamma;
      result.next_observation = transitions[i].next_observation;
      result.terminated = transitions[i].terminated;
      if (transitions[i].terminated || transitions[i].truncated) break;
    }
    return result;
  }
};

/// A ring, what its slots hold, and the set of slots it says can be sampled.
struct Recorded {
  Recorded(Index capacity, Index lanes, Index n, double discount)
      : ring(capacity, lanes, n, discount),
        gamma(discount),
        observations(static_cast<std::size_t>(ring.capacity()), -1),
        oracles(static_cast<std::size_t>(lanes)) {}

  void take(Index lane, const ReplayWrite& write) {
    REQUIRE(write.slot / ring.slots_per_lane() == lane);
    observations[static_cast<std::size_t>(write.slot)] =
        oracles[static_cast<std::size_t>(lane)].observations++;
    if (write.evicted) {
      CHECK(*write.evicted == write.slot);
      CHECK(announced.erase(*write.evicted) == 1);
    }
    for (Index slot : write.completed) CHECK(announced.insert(slot).second);
  }
  void begin(Index lane) { take(lane, ring.begin_episode(lane)); }
  void step(Index lane, std::int32_t action, float reward, bool terminated = false, bool truncated = false) {
    Oracle& oracle = oracles[static_cast<std::size_t>(lane)];
    oracle.transitions.push_back(
        {oracle.observations - 1, action, reward, terminated, truncated, oracle.observations});
    take(lane, ring.add(lane, action, reward, terminated, truncated));
  }

  /// The episode ends with its last step, if it has one, and another begins.
  void restart(Index lane) {
    Oracle& oracle = oracles[static_cast<std::size_t>(lane)];
    if (!oracle.transitions.empty()) {
      auto& last = oracle.transitions.back();
      if (last.next_observation == oracle.observations - 1 && !last.terminated) last.truncated = true;
    }
    take(lane, ring.restart_episode(lane));
  }

  /// Every slot of the ring: sampleable when the oracle says so, and then exactly the oracle's transition.
  void check_all() const {
    Index sampleable = 0;
    for (Index slot = 0; slot < ring.capacity(); ++slot) {
      const Index lane = slot / ring.slots_per_lane();
      const Oracle& oracle = oracles[static_cast<std::size_t>(lane)];
      const Index observation = observations[static_cast<std::size_t>(slot)];
      std::optional<NStep> expected;
      std::size_t found = 0;
      for (std::size_t i = 0; i < oracle.transitions.size(); ++i)
        if (oracle.transitions[i].observation == observation) {
          expected = oracle.n_step(i, ring.n_step(), gamma);
          found = i;
        }
      REQUIRE(ring.sampleable(slot) == expected.has_value());
      REQUIRE(announced.contains(slot) == expected.has_value());
      if (!expected) continue;
      ++sampleable;
      BatchArrays arrays(1);
      arrays.slots[0] = slot;
      const Batch batch = ring.assemble(arrays, 1);
      REQUIRE(batch.slots[0] == slot);
      REQUIRE(batch.actions[0] == oracle.transitions[found].action);
      REQUIRE(batch.rewards[0] == static_cast<float>(expected->reward));
      REQUIRE(batch.discounts[0] == static_cast<float>(expected->discount));
      REQUIRE(batch.terminated[0] == (expected->terminated ? 1.0F : 0.0F));
      REQUIRE(batch.weights[0] == 1.0F);
      REQUIRE(batch.next_slots[0] / ring.slots_per_lane() == lane);
      REQUIRE(observations[static_cast<std::size_t>(batch.next_slots[0])] == expected->next_observation);
    }
    REQUIRE(ring.size() == sampleable);
  }

  ReplayRing ring;
  double gamma;
  std::vector<Index> observations;  // (capacity): which of its lane's a slot holds
  std::vector<Oracle> oracles;
  std::set<Index> announced;  // completed, not yet evicted
};

/// One transition. REQUIRES: `slot` is sampleable.
struct One {
  One(const ReplayRing& ring, Index slot) : arrays(1) {
    arrays.slots[0] = slot;
    batch = ring.assemble(arrays, 1);
  }
  BatchArrays arrays;
  Batch batch;
};

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// Some state of a ring with episodes of random lengths, restored into another ring.
void copy_state(ReplayRing& to, const ReplayRing& from) { to.set_state(from.state()); }

}  // namespace

TEST_CASE("every sample is the oracle's n-step transition") {
  for (std::uint64_t config = 0; config < 150; ++config) {
    RandomSequence random({17, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 5);
    const Index lanes = 1 + uniform_index(random.word(), 3);
    const Index capacity = lanes * (n + 1 + uniform_index(random.word(), 12)) +
                           uniform_index(random.word(), static_cast<std::uint32_t>(lanes));
    const float end = 0.02F + 0.5F * random.uniform();
    CAPTURE(config);
    Recorded recorded(capacity, lanes, n, config % 3 == 0 ? 1.0 : 0.9);
    std::vector<bool> running(static_cast<std::size_t>(lanes), false);
    for (int t = 0; t < 120; ++t) {
      const Index lane = uniform_index(random.word(), static_cast<std::uint32_t>(lanes));
      if (!running[static_cast<std::size_t>(lane)]) {
        recorded.begin(lane);
        running[static_cast<std::size_t>(lane)] = true;
      } else if (config % 2 == 0 && random.uniform() < 0.15F) {
        recorded.restart(lane);
      } else {
        const bool terminated = random.uniform() < end / 2, truncated = random.uniform() < end / 2;
        recorded.step(lane, static_cast<std::int32_t>(uniform_index(random.word(), 7)), random.uniform(),
                      terminated, truncated);
        running[static_cast<std::size_t>(lane)] = !terminated && !truncated;
      }
      recorded.check_all();
    }
  }
}

TEST_CASE("an episode that is restarted ends with its last step, as if truncated there") {
  Recorded recorded(8, 1, 2, 0.5);
  CHECK(error_message([&] { recorded.ring.restart_episode(0); }) ==
        "an episode cannot be ended in lane 0 before it begins");
  recorded.begin(0);
  recorded.restart(0);  // without a step: the slot is used again
  CHECK(recorded.ring.size() == 0);
  recorded.step(0, 1, 4);
  recorded.step(0, 1, 8);
  recorded.restart(0);
  const One one(recorded.ring, 1);
  CHECK(one.batch.rewards[0] == 8);
  CHECK(one.batch.discounts[0] == 0.5F);
  CHECK(one.batch.terminated[0] == 0);
  CHECK(one.batch.next_slots[0] == 2);
  CHECK_FALSE(recorded.ring.sampleable(2));
  recorded.step(0, 1, 1, true);
  CHECK(error_message([&] { recorded.ring.restart_episode(0); }) ==
        "an episode cannot be ended in lane 0 before it begins");
}

TEST_CASE("what a restart changes in an older block is renewed in a state that is kept") {
  ReplayRing ring(600, 1, 1, 0.9);
  ring.begin_episode(0);
  for (std::size_t t = 0; t + 1 < ChangedBlocks::kBlock; ++t) ring.add(0, 0, 1, false, false);
  TensorFile kept, whole;
  SavedState saved(kept);
  const auto save = [&] {
    StateWriter out(saved);
    ring.save(out);
  };
  save();
  CHECK(ring.restart_episode(0).slot == ChangedBlocks::kBlock);  // the first of the next block
  save();
  StateWriter out(whole);
  ring.save(out);
  for (const FileTensor& tensor : whole.tensors) {
    CAPTURE(tensor.name);
    CHECK(kept.find(tensor.name)->bytes == tensor.bytes);
  }
}

TEST_CASE("an observation is stored once") {
  // 6 slots: 5 steps and the current observation. Stored as pairs, they would take 10.
  Recorded recorded(6, 1, 1, 0.99);
  recorded.begin(0);
  for (int t = 0; t < 5; ++t) recorded.step(0, t, 0);
  CHECK(recorded.ring.size() == 5);
  for (Index slot = 0; slot < 5; ++slot) CHECK(One(recorded.ring, slot).batch.next_slots[0] == slot + 1);
}

TEST_CASE("truncation is not termination") {
  Recorded recorded(8, 1, 1, 0.5);
  recorded.begin(0);
  recorded.step(0, 0, 1, false, true);
  recorded.begin(0);
  recorded.step(0, 0, 1, true, false);
  recorded.begin(0);
  recorded.step(0, 0, 1, true, true);
  // Bootstraps from the real final observation (the second of the lane), not from the next reset's (third).
  const One truncated(recorded.ring, 0);
  CHECK(truncated.batch.terminated[0] == 0.0F);
  CHECK(truncated.batch.discounts[0] == 0.5F);
  CHECK(recorded.observations[static_cast<std::size_t>(truncated.batch.next_slots[0])] == 1);
  CHECK(One(recorded.ring, 2).batch.terminated[0] == 1.0F);
  // Both: the task ended, whatever the clock said.
  CHECK(One(recorded.ring, 4).batch.terminated[0] == 1.0F);
}

TEST_CASE("the end of an episode is known to the replay") {
  // Two episodes of one step, alike but for their ends, and one that goes on.
  Recorded recorded(8, 1, 1, 1.0);
  recorded.begin(0);
  recorded.step(0, 1, 1, true);
  recorded.begin(0);
  recorded.step(0, 1, 1);
  CHECK(One(recorded.ring, 0).batch.terminated[0] == 1.0F);
  CHECK(One(recorded.ring, 2).batch.terminated[0] == 0.0F);
}

TEST_CASE("n-step bootstraps with gamma^k, k the steps really summed") {
  Recorded recorded(16, 1, 3, 0.5);
  recorded.begin(0);
  for (float reward : {1.0F, 2.0F, 4.0F}) recorded.step(0, 0, reward);
  recorded.step(0, 0, 8, false, true);
  const float rewards[] = {1 + 1 + 1, 2 + 2 + 2, 4 + 4, 8};
  const float discounts[] = {0.125F, 0.125F, 0.25F, 0.5F};
  const Index next[] = {3, 4, 4, 4};
  for (Index slot = 0; slot < 4; ++slot) {
    const One one(recorded.ring, slot);
    CHECK(one.batch.rewards[0] == rewards[slot]);
    CHECK(one.batch.discounts[0] == discounts[slot]);
    CHECK(one.batch.next_slots[0] == next[slot]);
    CHECK(one.batch.terminated[0] == 0.0F);
  }
}

TEST_CASE("n-step never sums across an episode's end") {
  for (const bool terminated : {true, false}) {
    Recorded recorded(16, 1, 3, 1.0);
    recorded.begin(0);
    recorded.step(0, 0, 1);
    recorded.step(0, 0, 1, terminated, !terminated);
    recorded.begin(0);
    for (int t = 0; t < 5; ++t) recorded.step(0, 0, 100);
    CHECK(One(recorded.ring, 0).batch.rewards[0] == 2.0F);
    CHECK(One(recorded.ring, 1).batch.rewards[0] == 1.0F);
    CHECK(One(recorded.ring, 1).batch.next_slots[0] == 2);
    CHECK(One(recorded.ring, 1).batch.terminated[0] == (terminated ? 1.0F : 0.0F));
    CHECK_FALSE(recorded.ring.sampleable(2));  // the final observation: nothing was done in it
    CHECK(One(recorded.ring, 3).batch.rewards[0] == 300.0F);
  }
}

TEST_CASE("n-step never crosses the write head") {
  // Of 6 slots, the head's and the n - 1 before it are no start; the oldest follows the head in memory, but
  // is never summed. Rewards say when they were given.
  Recorded recorded(6, 1, 3, 1.0);
  recorded.begin(0);
  for (int t = 0; t < 20; ++t) {
    recorded.step(0, 0, static_cast<float>(t));
    if (t < 5) continue;
    CHECK(recorded.ring.size() == 3);
    for (Index back = 0; back < 6; ++back) {
      const Index slot = (t + 1 - back) % 6;
      CHECK(recorded.ring.sampleable(slot) == (back >= 3));
      if (back >= 3)
        CHECK(One(recorded.ring, slot).batch.rewards[0] == 3.0F * static_cast<float>(t + 2 - back));
    }
  }
}

TEST_CASE("n-step flushes the tail of an episode") {
  for (const bool terminated : {true, false}) {
    ReplayRing ring(16, 1, 4, 1.0);
    ring.begin_episode(0);
    CHECK(ring.add(0, 0, 1, false, false).completed.empty());
    CHECK(ring.add(0, 0, 1, false, false).completed.empty());
    const ReplayWrite last = ring.add(0, 0, 1, terminated, !terminated);
    CHECK(std::vector<Index>(last.completed.begin(), last.completed.end()) == std::vector<Index>{0, 1, 2});
  }
}

TEST_CASE("a slot not yet filled cannot be sampled") {
  Recorded recorded(8, 2, 1, 1.0);
  for (Index slot = 0; slot < 8; ++slot) CHECK_FALSE(recorded.ring.sampleable(slot));
  recorded.begin(1);
  recorded.step(1, 0, 0);
  BatchArrays arrays(1);
  const auto assemble = [&](Index slot) {
    return error_message([&] {
      arrays.slots[0] = slot;
      recorded.ring.assemble(arrays, 1);
    });
  };
  CHECK(assemble(4) == "no error");
  CHECK(contains(assemble(0), "slot 0 of the replay cannot be sampled: it holds nothing"));
  CHECK(contains(assemble(5), "slot 5 of the replay cannot be sampled: it holds the current observation"));
  CHECK(contains(assemble(8), "there is no slot 8 in a replay of 8"));
  CHECK(contains(assemble(-1), "there is no slot -1"));
}

TEST_CASE("lanes share the capacity evenly and do not touch each other") {
  ReplayRing ring(11, 3, 1, 1.0);
  CHECK(ring.capacity() == 9);
  CHECK(ring.slots_per_lane() == 3);
  for (Index lane = 0; lane < 3; ++lane) CHECK(ring.begin_episode(lane).slot == 3 * lane);
  for (int t = 0; t < 10; ++t) CHECK(ring.add(1, 0, 0, false, false).slot == 3 + (t + 1) % 3);
  CHECK(ring.size() == 2);
}

TEST_CASE("assemble fills many transitions, repeated ones too, and leaves the weights") {
  Recorded recorded(8, 1, 1, 0.5);
  recorded.begin(0);
  for (int t = 0; t < 4; ++t) recorded.step(0, t, static_cast<float>(10 * t));
  BatchArrays arrays(4);
  arrays.slots = {2, 0, 2, 99};
  arrays.weights = {0.5F, 0.25F, 1.0F, 0.125F};
  const Batch batch = recorded.ring.assemble(arrays, 3);
  CHECK(batch.actions.size() == 3);
  CHECK(std::vector<std::int32_t>(batch.actions.begin(), batch.actions.end()) ==
        std::vector<std::int32_t>{2, 0, 2});
  CHECK(std::vector<float>(batch.rewards.begin(), batch.rewards.end()) == std::vector<float>{20, 0, 20});
  CHECK(batch.weights[1] == 0.25F);
  CHECK_THROWS_AS(recorded.ring.assemble(arrays, 5), Error);
  CHECK_THROWS_AS(recorded.ring.assemble(arrays, -1), Error);
}

TEST_CASE("what a ring cannot be, or cannot do, is an error that names the values") {
  CHECK(contains(error_message([] { ReplayRing(6, 2, 3, 0.9); }),
                 "6 slots gives each of 2 environments 3, but returns of 3 steps need at least 4"));
  CHECK_THROWS_AS(ReplayRing(10, 0, 1, 0.9), Error);
  CHECK_THROWS_AS(ReplayRing(10, 1, 0, 0.9), Error);
  CHECK_THROWS_AS(ReplayRing(-1, 1, 1, 0.9), Error);
  CHECK_THROWS_AS(ReplayRing(Index{1} << 31, 1, 1, 0.9), Error);
  for (double gamma : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(ReplayRing(10, 1, 1, gamma), Error);

  ReplayRing ring(10, 1, 1, 0.9);
  CHECK_THROWS_AS(ring.add(0, 0, 0, false, false), Error);  // no episode yet
  ring.begin_episode(0);
  CHECK_THROWS_AS(ring.begin_episode(0), Error);  // one is running
  CHECK(contains(error_message([&] { ring.add(0, 0, std::numeric_limits<float>::infinity(), false, false); }),
                 "the reward of a step in lane 0 is inf"));
  ring.add(0, 0, 0, true, false);
  CHECK_THROWS_AS(ring.add(0, 0, 0, false, false), Error);  // it has ended
  CHECK_THROWS_AS(ring.begin_episode(1), Error);
  CHECK_THROWS_AS(ring.begin_episode(-1), Error);
}

TEST_CASE("a ring whose state is restored goes on alike") {
  for (std::uint64_t config = 0; config < 40; ++config) {
    CAPTURE(config);
    RandomSequence random({18, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 4);
    ReplayRing ring(2 * (n + 1 + uniform_index(random.word(), 6)), 2, n, 0.9);
    ReplayRing restored(ring.capacity(), 2, n, 0.9);
    std::array<bool, 2> running{};
    const std::uint32_t length = uniform_index(random.word(), 60);
    for (std::uint32_t t = 0; t < length + 40; ++t) {
      if (t == length) copy_state(restored, ring);
      const Index lane = uniform_index(random.word(), 2);
      const float draw = random.uniform();
      const bool terminated = draw<0.1F, truncated = draw> 0.9F;
      const auto advance = [&](ReplayRing& r) {
        return running[static_cast<std::size_t>(lane)] ? r.add(lane, 1, draw, terminated, truncated)
                                                       : r.begin_episode(lane);
      };
      const ReplayWrite write = advance(ring);
      if (t >= length) {
        const ReplayWrite same = advance(restored);
        REQUIRE(same.slot == write.slot);
        REQUIRE(same.evicted == write.evicted);
        REQUIRE(std::vector<Index>(same.completed.begin(), same.completed.end()) ==
                std::vector<Index>(write.completed.begin(), write.completed.end()));
        REQUIRE(restored.size() == ring.size());
      }
      bool& is_running = running[static_cast<std::size_t>(lane)];
      is_running = !is_running || (!terminated && !truncated);
    }
  }
}

TEST_CASE("a state that no ring can be in is refused") {
  using Kind = ReplayRing::Kind;
  ReplayRing ring(8, 2, 1, 0.9);
  const std::vector<std::int32_t> actions(8, 0);
  std::vector<float> rewards(8, 0.0F);
  const auto refusal = [&](const std::vector<Kind>& kinds, const std::vector<Index>& heads) {
    return error_message([&] { ring.set_state({kinds, actions, rewards, heads}); });
  };
  const Kind e = Kind::kEmpty, c = Kind::kCurrent, s = Kind::kStep, t = Kind::kTerminated, f = Kind::kFinal;
  CHECK(refusal({s, c, e, e, e, e, e, e}, {1, -1}) == "no error");
  CHECK(ring.size() == 1);
  CHECK(refusal({t, f, s, c, f, s, c, t}, {3, 2}) == "no error");
  CHECK(ring.size() == 4);

  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {1}), "1 heads"));
  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {4, -1}), "is 4, must be from -1 to 3"));
  CHECK(contains(refusal({s, s, e, e, e, e, e, e}, {1, -1}), "holds a step"));
  CHECK(contains(refusal({s, c, c, e, e, e, e, e}, {1, -1}), "was not written yet"));
  CHECK(contains(refusal({s, f, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({t, c, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({f, e, e, e, e, e, e, e}, {0, -1}), "begins with"));
  CHECK(contains(refusal({e, c, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({static_cast<Kind>(9), c, e, e, e, e, e, e}, {1, -1}), "unknown kind 9"));
  rewards[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {1, -1}), "the reward in slot 3"));
  CHECK(ring.size() == 4);  // none of them changed it
}
