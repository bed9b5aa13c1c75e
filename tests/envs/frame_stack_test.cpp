// Environments whose last observations are shown as one, against a plain copy whose observations are all kept.
#include "envs/frame_stack.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

std::vector<float> seen_by(const Env& env) {
  std::vector<float> seen(static_cast<std::size_t>(env.spec().observation_shape.elements()));
  env.observe(seen);
  return seen;
}

/// k frames: the last ones of the episode, its first in place of those that would be before it.
std::vector<float> stack_of(const std::vector<std::vector<float>>& episode, Index k) {
  std::vector<float> stack;
  const Index newest = static_cast<Index>(episode.size()) - 1;
  for (Index back = k - 1; back >= 0; --back) {
    const std::vector<float>& frame = episode[static_cast<std::size_t>(std::max<Index>(newest - back, 0))];
    stack.insert(stack.end(), frame.begin(), frame.end());
  }
  return stack;
}

EnvOptions options_of(const char* id, Index k) {
  EnvOptions options;
  options.id = id;
  options.frame_stack = k;
  return options;
}

TEST_CASE("a stack is the last k observations of the episode, its first repeated at its start") {
  for (const char* const id : {"CartPole-v1", "FrozenLake-v1"})
    for (const Index k : {2, 4}) {
      CAPTURE(id);
      const std::unique_ptr<Env> plain = make_env(options_of(id, 1)), stacked = make_env(options_of(id, k));
      CHECK(stacked->spec().frame_stack == k);
      for (const auto& env : {plain.get(), stacked.get()}) env->seed({3, Purpose::kTest, 0});
      int episodes = 0;
      std::vector<std::vector<float>> episode;
      for (int t = 0; t < 200; ++t) {
        if (episode.empty()) {
          plain->reset();
          stacked->reset();
          ++episodes;
        } else {
          const int action = t * t % plain->spec().num_actions;
          const StepResult a = plain->step(action), b = stacked->step(action);
          REQUIRE(a.reward == b.reward);
          REQUIRE(a.terminated == b.terminated);
          REQUIRE(a.truncated == b.truncated);
          if (a.terminated || a.truncated) {
            episode.push_back(seen_by(*plain));
            REQUIRE(seen_by(*stacked) == stack_of(episode, k));
            episode.clear();
            continue;
          }
        }
        episode.push_back(seen_by(*plain));
        REQUIRE(seen_by(*stacked) == stack_of(episode, k));
      }
      CHECK(episodes > 3);
    }
}

TEST_CASE("copies that step together show what single ones show, also from a restored state") {
  const EnvFactory make = env_factory(options_of("CartPole-v1", 3));
  constexpr Index kCopies = 9;
  const std::unique_ptr<BatchEnv> batch = make_batch_env(make, kCopies, {7, Purpose::kTest, 0}),
                                  restored = make_batch_env(make, kCopies, {7, Purpose::kTest, 0});
  std::vector<std::unique_ptr<Env>> single;
  std::vector<float> together(kCopies * 12), again(kCopies * 12);
  std::vector<StepResult> results(kCopies);
  for (Index e = 0; e < kCopies; ++e) {
    single.push_back(make());
    single.back()->seed({7, Purpose::kTest, static_cast<std::uint32_t>(e)});
    single.back()->reset();
    batch->reset(together, {&e, 1});
  }
  std::vector<std::int32_t> actions(kCopies);
  for (int t = 0; t < 60; ++t) {
    for (std::size_t e = 0; e < actions.size(); ++e) actions[e] = (t / 2 + static_cast<int>(e)) % 2;
    const std::span<const Index> ended = batch->step(results, together, 0, actions);
    const std::vector<Index> over(ended.begin(), ended.end());
    for (Index e = 0; e < kCopies; ++e) {
      Env& env = *single[static_cast<std::size_t>(e)];
      const StepResult result = env.step(actions[static_cast<std::size_t>(e)]);
      REQUIRE(result.terminated == results[static_cast<std::size_t>(e)].terminated);
      const auto row = together.begin() + 12 * e;
      REQUIRE(seen_by(env) == std::vector<float>(row, row + 12));
      REQUIRE(batch->state(e) == env.state());
      if (result.terminated) env.reset();
    }
    if (t > 30) {
      restored->step(results, again, 0, actions);
      REQUIRE(again == together);
    }
    for (Index e = 0; e < kCopies && t == 30; ++e) restored->set_state(e, batch->state(e));
    batch->reset(together, over);
    if (t >= 30) restored->reset(again, over);
  }
}

TEST_CASE("an environment of stacks continues from its state, and shows the frames before it") {
  const EnvFactory make = env_factory(options_of("CartPole-v1", 4));
  const std::unique_ptr<Env> env = make(), other = make();
  env->seed({1, Purpose::kTest, 0});
  env->reset();
  for (int t = 0; t < 6; ++t) env->step(t % 2);
  other->seed({1, Purpose::kTest, 0});
  other->set_state(env->state());
  CHECK(other->state() == env->state());
  for (int t = 0; t < 4; ++t) {
    env->step(1);
    other->step(1);
    CHECK(seen_by(*other) == seen_by(*env));
  }
  CHECK(contains(error_message([&] { other->set_state(std::vector<double>(15)); }),
                 "CartPole-v1: a state of 15 numbers, must begin with 16 of frames"));
  std::vector<double> huge = env->state();
  huge[2] = 1e300;
  CHECK(contains(error_message([&] { other->set_state(huge); }), "number 2 of a state's frames is 1e+300"));
}

TEST_CASE("frames are joined along the first dimension, pictures without channels along a new one") {
  CHECK(stacked_shape({4}, 3) == Shape{12});
  CHECK(stacked_shape({84, 84}, 4) == Shape{4, 84, 84});
  CHECK(stacked_shape({3, 10, 9}, 2) == Shape{6, 10, 9});
  CHECK(contains(error_message([] { stacked_shape({1 << 20, 4, 4}, 1024); }), "frame_stack is 1024"));
  for (const Index k : {-1, 0, 1025})
    CHECK(contains(error_message([&] { make_env(options_of("CartPole-v1", k)); }), "must be from 1 to 1024"));
}

}  // namespace
}  // namespace bellman::test
