// The ring against a plain memory that keeps every transition.
#include "rl/replay/replay_ring.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/rl/replay/recorded_ring.h"
#include "tests/support/error_message.h"

using namespace bellman;
using bellman::test::contains;
using bellman::test::error_message;
using bellman::test::RecordedRing;

namespace {

/// One transition. REQUIRES: `slot` is sampleable.
struct One {
  One(const ReplayRing& ring, Index slot) : arrays(1) {
    arrays.slots[0] = slot;
    batch = ring.assemble(arrays, 1);
  }
  BatchArrays arrays;
  Batch batch;
};

}  // namespace

TEST_CASE("every sample is the oracle's n-step transition between the oracle's stacks of frames") {
  for (std::uint64_t config = 0; config < 200; ++config) {
    RandomSequence random({17, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 5);
    const Index envs = 1 + uniform_index(random.word(), 3);
    const Index stack = config % 2 == 0 ? 1 : 1 + uniform_index(random.word(), 5);
    const Index capacity = envs * (n + stack + uniform_index(random.word(), 12)) +
                           uniform_index(random.word(), static_cast<std::uint32_t>(envs));
    const float end = 0.02F + 0.5F * random.uniform();
    CAPTURE(config);
    RecordedRing recorded(capacity, envs, n, config % 3 == 0 ? 1.0 : 0.9, stack);
    std::vector<bool> running(static_cast<std::size_t>(envs), false);
    for (int t = 0; t < 120; ++t) {
      const Index env = uniform_index(random.word(), static_cast<std::uint32_t>(envs));
      if (!running[static_cast<std::size_t>(env)]) {
        recorded.begin(env);
        running[static_cast<std::size_t>(env)] = true;
      } else if (config % 4 < 2 && random.uniform() < 0.15F) {
        recorded.restart(env);
      } else {
        const bool terminated = random.uniform() < end / 2, truncated = random.uniform() < end / 2;
        recorded.step(env, static_cast<std::int32_t>(uniform_index(random.word(), 7)), random.uniform(),
                      terminated, truncated);
        running[static_cast<std::size_t>(env)] = !terminated && !truncated;
      }
      recorded.check_all();
    }
  }
}

TEST_CASE("an episode that is restarted ends with its last step, as if truncated there") {
  RecordedRing recorded(8, 1, 2, 0.5);
  CHECK(error_message([&] { recorded.ring.restart_episode(0); }) ==
        "an episode cannot be ended in environment 0 before it begins");
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
        "an episode cannot be ended in environment 0 before it begins");
}

TEST_CASE("a stack never reaches over the write head: the slots next to be overwritten are not drawn") {
  // Of 8 slots with stacks of 3, the head has no step yet, and the two that follow it in memory are the oldest.
  RecordedRing recorded(8, 1, 1, 1.0, 3);
  recorded.begin(0);
  for (int t = 0; t < 30; ++t) {
    recorded.step(0, 0, 0);
    if (t < 7) continue;
    CHECK(recorded.ring.size() == 5);
    for (Index back = 0; back < 8; ++back)
      CHECK(recorded.ring.sampleable((t + 1 - back) % 8) == (back >= 1 && back <= 5));
  }
  BatchArrays arrays(1, 3);
  arrays.slots[0] = (30 - 6) % 8;
  CHECK(contains(error_message([&] { recorded.ring.assemble(arrays, 1); }),
                 "it holds a step whose earlier frames are overwritten"));
  BatchArrays single(1);
  CHECK(contains(error_message([&] { recorded.ring.assemble(single, 1); }),
                 "arrays for states of 1 frames, the replay's have 3"));
}

TEST_CASE("an observation is stored once") {
  // 6 slots: 5 steps and the current observation. Stored as pairs, they would take 10.
  RecordedRing recorded(6, 1, 1, 0.99);
  recorded.begin(0);
  for (int t = 0; t < 5; ++t) recorded.step(0, t, 0);
  CHECK(recorded.ring.size() == 5);
  for (Index slot = 0; slot < 5; ++slot) CHECK(One(recorded.ring, slot).batch.next_slots[0] == slot + 1);
}

TEST_CASE("truncation is not termination") {
  RecordedRing recorded(8, 1, 1, 0.5);
  recorded.begin(0);
  recorded.step(0, 0, 1, false, true);
  recorded.begin(0);
  recorded.step(0, 0, 1, true, false);
  recorded.begin(0);
  recorded.step(0, 0, 1, true, true);
  // Bootstraps from the real final observation (the second slot), not from the next reset's (third).
  const One truncated(recorded.ring, 0);
  CHECK(truncated.batch.terminated[0] == 0.0F);
  CHECK(truncated.batch.discounts[0] == 0.5F);
  CHECK(recorded.observations[static_cast<std::size_t>(truncated.batch.next_slots[0])] == 1);
  CHECK(One(recorded.ring, 2).batch.terminated[0] == 1.0F);
  // Both: the task ended, whatever the clock said.
  CHECK(One(recorded.ring, 4).batch.terminated[0] == 1.0F);
}

TEST_CASE("the end of an episode is known to the replay") {
  // Two episodes of one step, alike but for their ends, and one that continues.
  RecordedRing recorded(8, 1, 1, 1.0);
  recorded.begin(0);
  recorded.step(0, 1, 1, true);
  recorded.begin(0);
  recorded.step(0, 1, 1);
  CHECK(One(recorded.ring, 0).batch.terminated[0] == 1.0F);
  CHECK(One(recorded.ring, 2).batch.terminated[0] == 0.0F);
}

TEST_CASE("n-step bootstraps with gamma^k, k the steps really summed") {
  RecordedRing recorded(16, 1, 3, 0.5);
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
    RecordedRing recorded(16, 1, 3, 1.0);
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
  RecordedRing recorded(6, 1, 3, 1.0);
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
  RecordedRing recorded(8, 2, 1, 1.0);
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

TEST_CASE("environments share the capacity evenly and do not touch each other") {
  ReplayRing ring(11, 3, 1, 1.0);
  CHECK(ring.capacity() == 9);
  CHECK(ring.slots_per_env() == 3);
  for (Index env = 0; env < 3; ++env) CHECK(ring.begin_episode(env).slot == 3 * env);
  for (int t = 0; t < 10; ++t) CHECK(ring.add(1, 0, 0, false, false).slot == 3 + (t + 1) % 3);
  CHECK(ring.size() == 2);
}

TEST_CASE("a slot's age counts what its environment has written since, also around the ring's end") {
  ReplayRing ring(8, 2, 1, 1.0);
  for (Index env = 0; env < 2; ++env) ring.begin_episode(env);
  for (int t = 0; t < 2; ++t) ring.add(0, 0, 0, false, false);
  for (int t = 0; t < 5; ++t) ring.add(1, 0, 0, false, false);  // its newest observation is in slot 4 + 5 % 4
  CHECK(ring.age(0) == 2);
  CHECK(ring.age(2) == 0);
  CHECK(ring.age(5) == 0);
  CHECK(ring.age(4) == 1);
  CHECK(ring.age(7) == 2);
  CHECK(ring.age(6) == 3);
  CHECK(contains(error_message([&] { ring.age(8); }), "there is no slot 8 in a replay of 8"));
}

TEST_CASE("assemble fills many transitions, repeated ones too, and leaves the weights") {
  RecordedRing recorded(8, 1, 1, 0.5);
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
  CHECK(contains(error_message([] { ReplayRing(9, 2, 1, 0.9, 4); }),
                 "each of 2 environments 4, but returns of 1 steps with a frame_stack of 4 need at least 5"));
  CHECK_THROWS_AS(ReplayRing(10, 1, 1, 0.9, 0), Error);
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
                 "the reward of a step in environment 0 is inf"));
  ring.add(0, 0, 0, true, false);
  CHECK_THROWS_AS(ring.add(0, 0, 0, false, false), Error);  // it has ended
  CHECK_THROWS_AS(ring.begin_episode(1), Error);
  CHECK_THROWS_AS(ring.begin_episode(-1), Error);
}
