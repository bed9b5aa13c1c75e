#include "rl/train/evaluator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/train/scripted_env.h"

namespace bellman {
namespace {

using test::scripted_env;

/// Zeros: greedy is action 0.
void zeros(std::span<float> q, std::span<const float>, Index) { std::fill(q.begin(), q.end(), 0.0F); }

/// Episode i lasts i + 1 steps and pays 1 a step.
EnvFactory growing_episodes() {
  return scripted_env(2, [](const RandomStream& stream, Index t, int) {
    return StepResult{.reward = 1, .terminated = t == static_cast<Index>(stream.index) + 1};
  });
}

TEST_CASE("mean, spread and length are of whole episodes") {
  Evaluator evaluator(growing_episodes(), 5, 3, OnNan::kStop);
  const EvalResult result = evaluator.evaluate(zeros, 5);
  CHECK(result.episodes == 5);
  CHECK(result.mean == 3);
  CHECK(result.std == doctest::Approx(std::sqrt(2.5)));  // of a sample: (4 + 1 + 0 + 1 + 4) / 4
  CHECK(result.min == 1);
  CHECK(result.max == 5);
  CHECK(result.mean_length == 3);
}

TEST_CASE("all episodes that still run are asked about at once, those that ended no more") {
  Evaluator evaluator(growing_episodes(), 4, 3, OnNan::kStop);
  std::vector<Index> sizes;
  std::vector<std::vector<float>> seen;
  const QFunction q = [&](std::span<float> values, std::span<const float> observations, Index n) {
    sizes.push_back(n);
    REQUIRE(values.size() == static_cast<std::size_t>(2 * n));
    REQUIRE(observations.size() == static_cast<std::size_t>(3 * n));
    for (Index i = 0; i < n; ++i) {
      const auto row = observations.subspan(static_cast<std::size_t>(3 * i), 3);
      seen.emplace_back(row.begin(), row.end());
    }
    zeros(values, observations, n);
  };
  evaluator.evaluate(q, 4);
  CHECK(sizes == std::vector<Index>{4, 3, 2, 1});
  CHECK(std::set<std::vector<float>>(seen.begin(), seen.end()).size() == 10);
}

TEST_CASE("each episode gets the action of its own row") {
  // Right is the action that equals the parity of the stream; anything else ends the episode unpaid.
  Evaluator evaluator(scripted_env(2,
                                   [](const RandomStream& stream, Index t, int action) {
                                     const bool right = action == static_cast<int>(stream.index % 2);
                                     return StepResult{.reward = right ? 1.0F : 0.0F,
                                                       .terminated = !right || t == 6};
                                   }),
                      8, 1, OnNan::kStop);
  const QFunction parity = [](std::span<float> q, std::span<const float> observations, Index n) {
    zeros(q, observations, n);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      q[2 * i + static_cast<std::size_t>(observations[3 * i]) % 2] = 1;
  };
  CHECK(evaluator.evaluate(parity, 8).min == 6);
}

TEST_CASE("episodes are numbered on from call to call and never played twice") {
  std::vector<std::uint32_t> played;
  Evaluator evaluator(scripted_env(2,
                                   [&](const RandomStream& stream, Index, int) {
                                     CHECK(stream.purpose == Purpose::kEvaluation);
                                     CHECK(stream.seed == 42);
                                     played.push_back(stream.index);
                                     return StepResult{.terminated = true};
                                   }),
                      3, 42, OnNan::kStop);
  evaluator.evaluate(zeros, 3);
  evaluator.evaluate(zeros, 2);
  CHECK(played == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  CHECK(evaluator.next_episode() == 5);
}

TEST_CASE("the same seed plays the same, on a real environment too") {
  const EnvOptions cartpole;
  const QFunction lean = [](std::span<float> q, std::span<const float> s, Index n) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      q[2 * i] = -s[4 * i + 2];
      q[2 * i + 1] = s[4 * i + 2] + s[4 * i + 3];
    }
  };
  std::vector<EvalResult> results;
  for (const std::uint64_t seed : {1, 1, 2})
    results.push_back(Evaluator(cartpole, 20, seed, OnNan::kStop).evaluate(lean, 20, 0.1));
  CHECK(results[0].mean == results[1].mean);
  CHECK(results[0].std == results[1].std);
  CHECK(results[0].mean != results[2].mean);
  CHECK(results[0].mean > 30);
}

TEST_CASE("with epsilon each episode explores at moments of its own") {
  std::map<std::uint32_t, std::vector<int>> actions;
  Evaluator evaluator(scripted_env(2,
                                   [&](const RandomStream& stream, Index t, int action) {
                                     actions[stream.index].push_back(action);
                                     return StepResult{.truncated = t == 40};
                                   }),
                      10, 1, OnNan::kStop);
  evaluator.evaluate(zeros, 10, 0.5);
  std::set<std::vector<int>> different;
  for (const auto& [episode, sequence] : actions) different.insert(sequence);
  CHECK(different.size() == 10);
}

TEST_CASE("an episode without an end is cut off where there is no time limit") {
  Evaluator evaluator(
      scripted_env(2, [](const RandomStream&, Index, int) { return StepResult{.reward = -1}; }), 1, 1,
      OnNan::kStop);
  const EvalResult result = evaluator.evaluate(zeros, 1);
  CHECK(result.mean == -static_cast<double>(Evaluator::kStepLimit));
  CHECK(result.episodes == 1);
}

TEST_CASE("environments are made as episodes need them, beside the one that says what they are") {
  int made = 0;
  Evaluator evaluator(
      [&made] {
        ++made;
        return growing_episodes()();
      },
      100, 3, OnNan::kStop);
  CHECK(made == 1);
  evaluator.evaluate(zeros, 5);
  CHECK(made == 5);
  evaluator.evaluate(zeros, 3);
  CHECK(made == 5);
  evaluator.evaluate(zeros, 7);
  CHECK(made == 7);
}

TEST_CASE("what cannot be evaluated is refused") {
  CHECK_THROWS_AS(Evaluator(growing_episodes(), 0, 1, OnNan::kStop), Error);
  Evaluator evaluator(growing_episodes(), 3, 1, OnNan::kStop);
  CHECK_THROWS_AS(evaluator.evaluate(zeros, 0), Error);
  CHECK_THROWS_WITH_AS(evaluator.evaluate(zeros, 4), "cannot evaluate 4 episodes at once, only 1 to 3",
                       Error);
}

}  // namespace
}  // namespace bellman
