// Checks of every learner, on any device.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "tests/rl/learn/learner_rig.h"
#include "tests/support/counts/allocation_count.h"

namespace bellman::test {

/// Requests for memory while it stores, acts, learns from the first `batch` transitions and updates its
/// target, ten times.
template <class AnyLearner>
std::size_t allocations_of_steps(LearnerRig<AnyLearner>& rig, Index batch) {
  const auto inputs = static_cast<std::size_t>(rig.network.input_shape().elements());
  const auto actions = static_cast<std::size_t>(rig.network.output_shape()[0]);
  const auto n = static_cast<std::size_t>(batch);
  std::vector<float> q(n * actions), td_error(n);
  const std::vector<float> observations(n * inputs, 0.5F);
  const Batch first = rig.batch(batch);
  const std::size_t before = allocations();
  for (int i = 0; i < 10; ++i) {
    rig.observations.store(i % 8, std::span(observations).first(inputs));
    rig.learner.q_values(q, observations, batch);
    rig.learner.learn(first, 0.1F, td_error);
    rig.learner.update_target(0.5F);
  }
  return allocations() - before;
}

/// A step from observations that are stored as bytes, and one from the same as floats.
template <class AnyLearner>
void check_bytes_are_floats(Backend& backend, LearnerOptions options) {
  std::vector<std::vector<float>> results;
  for (const ObservationType type : {ObservationType::kFloat32, ObservationType::kUint8}) {
    options.observation_type = type;
    LearnerRig<AnyLearner> rig(backend, "dense 3, relu, dense 2", {2}, options);
    rig.set_transition(0, {255, 3}, 1, 1, 1, 0, {0, 17});
    rig.learn(1, 1e-3F);
    results.push_back(rig.online());
    // A first step of Adam is the learning rate, whatever the gradient: the errors tell more.
    results.back().insert(results.back().end(), rig.td_error.begin(), rig.td_error.end());
  }
  CHECK(results[0] == results[1]);
}

/// A step on normalised observations is the step on observations that were normalised before, bytes too.
template <class AnyLearner>
void check_normalised_step(Backend& backend, LearnerOptions options) {
  const std::vector<double> mean = {100, 7}, variance = {400, 9};
  RunningNormalizer normalizer(2);
  normalizer.set_state({1, mean, variance});
  const std::vector<std::vector<float>> observations = {{90, 3}, {131, 12}, {100, 7},
                                                        {77, 0}, {120, 9},  {84, 5}};
  for (const ObservationType type : {ObservationType::kFloat32, ObservationType::kUint8}) {
    LearnerOptions raw = options;
    raw.normalizer = &normalizer;
    raw.observation_type = type;
    LearnerRig<AnyLearner> by_learner(backend, "dense 3, relu, dense 2", {2}, raw);
    LearnerRig<AnyLearner> before(backend, "dense 3, relu, dense 2", {2}, options);
    for (std::size_t n = 0; n < 3; ++n) {
      std::vector<float> s(2), s_next(2);
      normalizer.apply(s, observations[2 * n]);
      normalizer.apply(s_next, observations[2 * n + 1]);
      by_learner.set_transition(n, observations[2 * n], 1, 1, 0.9F, 0, observations[2 * n + 1]);
      before.set_transition(n, s, 1, 1, 0.9F, 0, s_next);
    }
    const LearnStats actual = by_learner.learn(3, 1e-3F), expected = before.learn(3, 1e-3F);
    CHECK(actual.loss == expected.loss);
    CHECK(by_learner.td_error == before.td_error);
    CHECK(by_learner.online() == before.online());
  }
}

/// The target network begins as the online one: the first targets are of both.
template <class AnyLearner>
void check_target_begins_as_online(Backend& backend, const LearnerOptions& options) {
  LearnerRig<AnyLearner> rig(backend, "dense 5, tanh, dueling 3", {4}, options);
  const std::vector<float> online = rig.online();
  CHECK(rig.target() == online);
  CHECK(std::any_of(online.begin(), online.end(), [](float p) { return p != 0; }));
}

/// A rig of one input, two actions and batches of at most two.
template <class AnyLearner>
void check_refusals(LearnerRig<AnyLearner>& rig) {
  std::vector<float> two(2), three(3);
  CHECK_THROWS_WITH_AS(rig.learner.q_values(two, three, 3), "q_values of 3 observations, must be 1 to 2",
                       Error);
  CHECK_THROWS_AS(rig.learner.q_values(three, two, 2), Error);
  CHECK_THROWS_AS(rig.learner.learn(rig.batch(0), 0.1F, {}), Error);
  CHECK_THROWS_AS(rig.learner.learn(rig.batch(2), 0.1F, std::span(three)), Error);
  CHECK_THROWS_AS(rig.learner.get_parameters(two), Error);
  CHECK_THROWS_AS(rig.learner.set_parameters(two), Error);
}

}  // namespace bellman::test
