// A replay ring beside a plain memory that keeps every transition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "rl/replay/replay_ring.h"

namespace bellman::test {

/// One step as it happened. Observations are numbered in the order they were written in, by environment.
struct RecordedStep {
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

/// An environment's steps, none forgotten.
struct Oracle {
  std::vector<RecordedStep> transitions;
  Index observations = 0;         // written so far
  std::vector<Index> first_seen;  // of each observation: the first of its episode

  /// The k observations that make the state at this one, oldest first: an episode's first stands in for what would be
  /// before it.
  std::vector<Index> stack(Index observation, Index k) const {
    std::vector<Index> frames;
    for (Index back = k - 1; back >= 0; --back)
      frames.push_back(std::max(observation - back, first_seen[static_cast<std::size_t>(observation)]));
    return frames;
  }

  /// The n-step transition from the i-th step, if it is complete.
  std::optional<NStep> n_step(std::size_t i, Index n, double gamma) const {
    NStep result;
    for (Index k = 0; k < n; ++k, ++i) {
      if (i == transitions.size()) return std::nullopt;
      result.reward = std::fma(result.discount, transitions[i].reward, result.reward);
      result.discount *= gamma;
      result.next_observation = transitions[i].next_observation;
      result.terminated = transitions[i].terminated;
      if (transitions[i].terminated || transitions[i].truncated) break;
    }
    return result;
  }
};

/// A ring, what its slots hold, and the set of slots it says can be sampled.
struct RecordedRing {
  RecordedRing(Index capacity, Index envs, Index n, double discount, Index frame_stack = 1)
      : ring(capacity, envs, n, discount, frame_stack),
        gamma(discount),
        observations(static_cast<std::size_t>(ring.capacity()), -1),
        oracles(static_cast<std::size_t>(envs)) {}

  void take(Index env, const ReplayWrite& write, bool begins) {
    REQUIRE(write.slot / ring.slots_per_env() == env);
    Oracle& oracle = oracles[static_cast<std::size_t>(env)];
    oracle.first_seen.push_back(begins ? oracle.observations : oracle.first_seen.back());
    observations[static_cast<std::size_t>(write.slot)] = oracle.observations++;
    if (write.evicted) {
      CHECK(ring.age(*write.evicted) == (ring.frame_stack() == 1 ? 0 : oldest_drawn() + 1));
      CHECK(announced.erase(*write.evicted) == 1);
    }
    for (Index slot : write.completed) CHECK(announced.insert(slot).second);
  }
  void begin(Index env) { take(env, ring.begin_episode(env), true); }
  /// The age of the oldest slot whose frames are all there still.
  Index oldest_drawn() const { return ring.slots_per_env() - ring.frame_stack(); }
  void step(Index env, std::int32_t action, float reward, bool terminated = false, bool truncated = false) {
    Oracle& oracle = oracles[static_cast<std::size_t>(env)];
    oracle.transitions.push_back(
        {oracle.observations - 1, action, reward, terminated, truncated, oracle.observations});
    take(env, ring.add(env, action, reward, terminated, truncated), false);
  }

  /// The episode ends with its last step, if it has one, and another begins.
  void restart(Index env) {
    Oracle& oracle = oracles[static_cast<std::size_t>(env)];
    if (!oracle.transitions.empty()) {
      auto& last = oracle.transitions.back();
      if (last.next_observation == oracle.observations - 1 && !last.terminated) last.truncated = true;
    }
    take(env, ring.restart_episode(env), true);
  }

  /// Every slot of the ring: sampleable when the oracle says so, and then exactly the oracle's transition.
  void check_all() const {
    Index sampleable = 0;
    for (Index slot = 0; slot < ring.capacity(); ++slot) {
      const Index env = slot / ring.slots_per_env();
      const Oracle& oracle = oracles[static_cast<std::size_t>(env)];
      const Index observation = observations[static_cast<std::size_t>(slot)];
      std::optional<NStep> expected;
      std::size_t found = 0;
      for (std::size_t i = 0; i < oracle.transitions.size(); ++i)
        if (oracle.transitions[i].observation == observation) {
          expected = oracle.n_step(i, ring.n_step(), gamma);
          found = i;
        }
      if (expected && ring.age(slot) > oldest_drawn()) expected.reset();
      REQUIRE(ring.sampleable(slot) == expected.has_value());
      REQUIRE(announced.contains(slot) == expected.has_value());
      if (!expected) continue;
      ++sampleable;
      BatchArrays arrays(1, ring.frame_stack());
      arrays.slots[0] = slot;
      const Batch batch = ring.assemble(arrays, 1);
      REQUIRE(batch.slots[0] == slot);
      REQUIRE(batch.actions[0] == oracle.transitions[found].action);
      REQUIRE(batch.rewards[0] == static_cast<float>(expected->reward));
      REQUIRE(batch.discounts[0] == static_cast<float>(expected->discount));
      REQUIRE(batch.terminated[0] == (expected->terminated ? 1.0F : 0.0F));
      REQUIRE(batch.weights[0] == 1.0F);
      REQUIRE(batch.next_slots[0] / ring.slots_per_env() == env);
      REQUIRE(observations[static_cast<std::size_t>(batch.next_slots[0])] == expected->next_observation);
      REQUIRE(seen_in(batch.state_slots()) == oracle.stack(observation, ring.frame_stack()));
      REQUIRE(seen_in(batch.next_state_slots()) ==
              oracle.stack(expected->next_observation, ring.frame_stack()));
    }
    REQUIRE(ring.size() == sampleable);
  }

  std::vector<Index> seen_in(std::span<const Index> slots) const {
    std::vector<Index> seen;
    for (const Index slot : slots) seen.push_back(observations[static_cast<std::size_t>(slot)]);
    return seen;
  }

  ReplayRing ring;
  double gamma;
  std::vector<Index> observations;  // (capacity): which of its environment's a slot holds
  std::vector<Oracle> oracles;
  std::set<Index> announced;  // completed, not yet evicted
};

}  // namespace bellman::test
