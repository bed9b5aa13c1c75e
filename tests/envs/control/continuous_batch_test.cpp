// Environments in a batch against the same one by one: everything to the last bit, for every task of
// envs/control/continuous_step.h.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "envs/control/continuous_env.h"
#include "envs/env.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

constexpr std::uint64_t kSeed = 7;

/// Every environment that has a batch in registers.
std::vector<EnvOptions> batched() {
  std::vector<EnvOptions> all;
  for (const ContinuousEntry& entry : continuous_entries()) {
    all.emplace_back();
    all.back().id = entry.entry.id;
  }
  return all;
}

/// A batch, the same environments one by one, and what each of them shows.
struct Twins {
  std::unique_ptr<BatchEnv> batch;
  std::vector<std::unique_ptr<Env>> envs;
  std::vector<float> observations;  // of the batch
  std::vector<StepResult> results;
  Index width = 0;  // of an observation

  Twins(const EnvOptions& options, Index copies)
      : batch(make_env(options)->batch(copies, {kSeed, Purpose::kTest, 0})),
        results(static_cast<std::size_t>(copies)) {
    REQUIRE(batch);
    width = batch->spec().observation_shape.elements();
    observations.resize(static_cast<std::size_t>(width * copies));
    std::vector<Index> all;
    for (Index e = 0; e < copies; ++e) {
      envs.push_back(make_env(options));
      envs.back()->seed({kSeed, Purpose::kTest, static_cast<std::uint32_t>(e)});
      CHECK(batch->state(e) == envs.back()->state());
      envs.back()->reset();
      all.push_back(e);
    }
    batch->reset(observations, all);
    for (Index e = 0; e < copies; ++e) REQUIRE(same(e));
  }

  Env& env(Index e) { return *envs[static_cast<std::size_t>(e)]; }

  bool same(Index e) {
    std::vector<float> shown(static_cast<std::size_t>(width));
    env(e).observe(shown);
    return batch->state(e) == env(e).state() &&
           std::equal(shown.begin(), shown.end(), observations.begin() + width * e);
  }

  /// Steps copies first .. first + actions.size() - 1 on both sides and starts anew what ended.
  void step(Index first, const std::vector<std::int32_t>& actions) {
    const std::span<const Index> span = batch->step(results, observations, first, actions);
    const std::vector<Index> ended(span.begin(), span.end());
    std::vector<Index> expected;
    Index e = first;
    for (const std::int32_t action : actions) {
      const StepResult one = env(e).step(action);
      const StepResult& many = results[static_cast<std::size_t>(e)];
      REQUIRE(many.reward == one.reward);
      REQUIRE(many.terminated == one.terminated);
      REQUIRE(many.truncated == one.truncated);
      REQUIRE(same(e));  // the final observation too
      if (one.terminated || one.truncated) expected.push_back(e);
      ++e;
    }
    REQUIRE(ended == expected);
    batch->reset(observations, ended);
    for (const Index over : ended) {
      env(over).reset();
      REQUIRE(same(over));
    }
  }
};

std::vector<std::int32_t> random_actions(const Twins& twins, std::size_t n, std::uint64_t step) {
  const auto known = static_cast<std::uint32_t>(twins.batch->spec().num_actions);
  std::vector<std::int32_t> actions(n);
  for (std::size_t i = 0; i < n; ++i)
    actions[i] = static_cast<std::int32_t>(
        uniform_index(random_words({8, Purpose::kTest, static_cast<std::uint32_t>(i)}, step)[0], known));
  return actions;
}

TEST_CASE("a batch is environment by environment to the last bit over thousands of random steps") {
  for (const EnvOptions& options : batched())
    for (const Index copies : {1, 8, 16, 37}) {
      CAPTURE(options.id);
      CAPTURE(copies);
      Twins twins(options, copies);
      for (std::uint64_t t = 0; t < 3'000; ++t)
        twins.step(0, random_actions(twins, static_cast<std::size_t>(copies), t));
    }
}

TEST_CASE("a batch of CartPoles ends each way, and both at once, as CartPoles do") {
  EnvOptions options;
  options.max_episode_steps = 20;
  options.sutton_barto_reward = true;
  Twins twins(options, 48);
  int terminated = 0, truncated = 0, both = 0;
  for (std::uint64_t t = 0; t < 2'000; ++t) {
    twins.step(0, random_actions(twins, 48, t));
    for (const StepResult& result : twins.results) {
      terminated += result.terminated;
      truncated += result.truncated;
      both += result.terminated && result.truncated;
    }
  }
  CHECK(both > 0);
  CHECK(terminated > both);
  CHECK(truncated > both);
}

TEST_CASE("a balanced batch of CartPoles lasts to its limit, or beyond where there is none") {
  for (const Index limit : {500, 0}) {
    EnvOptions options;
    options.max_episode_steps = limit;
    Twins twins(options, 16);
    int truncated = 0;
    for (int t = 0; t < 700; ++t) {
      std::vector<std::int32_t> actions(16);
      for (std::size_t e = 0; e < 16; ++e) {
        const float* s = &twins.observations[4 * e];
        actions[e] = 0.05F * s[0] + 0.1F * s[1] + s[2] + 0.25F * s[3] > 0 ? 1 : 0;
      }
      twins.step(0, actions);
      for (const StepResult& result : twins.results) truncated += result.truncated;
    }
    CHECK(truncated == (limit == 500 ? 16 : 0));
  }
}

TEST_CASE("a part of a batch is stepped alone") {
  for (const EnvOptions& options : batched()) {
    CAPTURE(options.id);
    Twins twins(options, 50);
    for (std::uint64_t t = 0; t < 500; ++t) {
      const RandomWords words = random_words({9, Purpose::kTest, 0}, t);
      const Index first = uniform_index(words[0], 50);
      const auto count = uniform_index(words[1], static_cast<std::uint32_t>(51 - first));
      twins.step(first, random_actions(twins, count, t));
    }
    for (Index e = 0; e < 50; ++e) CHECK(twins.same(e));
  }
}

TEST_CASE("a batch continues from any state of one environment") {
  for (const EnvOptions& options : batched()) {
    CAPTURE(options.id);
    Twins from(options, 20), to(options, 20);
    for (std::uint64_t t = 0; t < 100; ++t) from.step(0, random_actions(from, 20, t));
    for (Index e = 0; e < 20; ++e) {
      to.batch->set_state(e, from.env(e).state());
      to.env(e).set_state(from.batch->state(e));
      CHECK(to.batch->state(e) == from.batch->state(e));
    }
    to.observations = from.observations;
    for (std::uint64_t t = 100; t < 300; ++t) to.step(0, random_actions(to, 20, t));

    const std::vector<double> before = to.batch->state(3);
    CHECK(error_message([&] { to.batch->set_state(3, std::vector<double>(4)); }) ==
          error_message([&] { to.env(3).set_state(std::vector<double>(4)); }));
    CHECK(to.batch->state(3) == before);
  }
}

TEST_CASE("a batch refuses what one environment refuses, and stays as it was") {
  for (const EnvOptions& options : batched()) {
    CAPTURE(options.id);
    Twins twins(options, 24);
    const auto message = [&](Index wrong, std::int32_t action) {
      std::vector<std::int32_t> actions(24, 0);
      actions[static_cast<std::size_t>(wrong)] = action;
      return error_message([&] { twins.batch->step(twins.results, twins.observations, 0, actions); });
    };
    for (const std::int32_t action :
         {-1, twins.batch->spec().num_actions, std::numeric_limits<std::int32_t>::min()})
      for (const Index wrong : {0, 11, 23})
        CHECK(message(wrong, action) == error_message([&] { twins.env(wrong).step(action); }));
    for (Index e = 0; e < 24; ++e) CHECK(twins.same(e));

    // The first action until one of them ends; it is not reset.
    const std::vector<std::int32_t> same(24, 0);
    while (twins.batch->step(twins.results, twins.observations, 0, same).empty()) continue;
    CHECK(message(0, 0) == options.id + ": step after the end of an episode");
    const auto fresh = make_env(options)->batch(16, {kSeed, Purpose::kTest, 0});
    CHECK(error_message([&] {
            fresh->step(twins.results, twins.observations, 0, std::vector<std::int32_t>(16, 0));
          }) == options.id + ": step before the first reset");
  }
}

TEST_CASE("other environments are batched one after the other, CartPoles from 8 on in registers") {
  EnvOptions lake;
  lake.id = "FrozenLake-v1";
  CHECK(make_env(lake)->batch(64, {kSeed, Purpose::kTest, 0}) == nullptr);
  for (const Index copies : {3, 8}) {
    const auto cartpoles = make_batch_env([] { return make_env({}); }, copies, {kSeed, Purpose::kTest, 0});
    const auto lakes = make_batch_env([&] { return make_env(lake); }, copies, {kSeed, Purpose::kTest, 0});
    CHECK(cartpoles->size() == copies);
    CHECK(lakes->size() == copies);
    CHECK(cartpoles->spec().id == "CartPole-v1");
    CHECK(lakes->spec().id == "FrozenLake-v1");
  }
}

TEST_CASE("a batch that begins with a later stream plays what the later copies of a whole one do") {
  for (const char* const id : {"CartPole-v1", "Acrobot-v1", "FrozenLake8x8-v1"}) {
    CAPTURE(id);
    EnvOptions options;
    options.id = id;
    const EnvFactory make = env_factory(options);
    const Index whole = 24, first = 7;
    const auto all = make_batch_env(make, whole, {kSeed, Purpose::kTest, 0});
    const auto later =
        make_batch_env(make, whole - first, {kSeed, Purpose::kTest, static_cast<std::uint32_t>(first)});
    const auto size = static_cast<std::size_t>(all->spec().observation_shape.elements());
    std::vector<float> seen(24 * size), seen_later((24 - 7) * size);
    std::vector<StepResult> results(24), results_later(24 - 7);
    std::vector<Index> every(24), every_later(24 - 7);
    std::iota(every.begin(), every.end(), Index{0});
    std::iota(every_later.begin(), every_later.end(), Index{0});
    all->reset(seen, every);
    later->reset(seen_later, every_later);
    const auto same = [&] { return std::ranges::equal(std::span(seen).subspan(7 * size), seen_later); };
    CHECK(same());
    const std::vector<std::int32_t> actions(24, 1);
    for (int t = 0; t < 4; ++t) {
      all->step(results, seen, 0, actions);
      later->step(results_later, seen_later, 0, std::span(actions).subspan(7));
      CHECK(same());
    }
    all->reset(seen, every);  // draws that depend on the stream and the steps before
    later->reset(seen_later, every_later);
    CHECK(same());
  }
  CHECK(error_message([] {
          make_batch_env([] { return make_env({}); }, 2, {1, Purpose::kTest, (1U << 24) - 1});
        }) == "there are 16777216 random streams, copies 16777215 to 16777216 need more");
}

TEST_CASE("environments that are batched one after the other play as if alone, all at once or in parts") {
  for (const char* const id : {"CartPole-v1", "FrozenLake-v1", "CliffWalking-v1"}) {
    CAPTURE(id);
    EnvOptions options;
    options.id = id;
    options.max_episode_steps = 9;
    const Index copies = 6;
    const auto batch = make_batch_env([&] { return make_env(options); }, copies, {kSeed, Purpose::kTest, 0});
    const Index width = batch->spec().observation_shape.elements();
    std::vector<float> observations(static_cast<std::size_t>(width * copies));
    std::vector<StepResult> results(static_cast<std::size_t>(copies));
    std::vector<std::unique_ptr<Env>> alone;
    for (Index e = 0; e < copies; ++e) {
      alone.push_back(make_env(options));
      alone.back()->seed({kSeed, Purpose::kTest, static_cast<std::uint32_t>(e)});
      alone.back()->reset();
      batch->reset(observations, {&e, 1});
    }
    for (std::uint64_t t = 0; t < 60; ++t) {
      const RandomWords words = random_words({11, Purpose::kTest, 0}, t);
      const Index first = uniform_index(words[0], 6);
      const auto count = 1 + uniform_index(words[1], static_cast<std::uint32_t>(6 - first));
      const auto actions = static_cast<std::uint32_t>(batch->spec().num_actions);
      std::vector<std::int32_t> taken;
      for (Index i = 0; i < count; ++i)
        taken.push_back(static_cast<std::int32_t>(
            uniform_index(random_words({12, Purpose::kTest, 0}, 8 * t + i)[0], actions)));
      const std::span<const Index> ended = batch->step(results, observations, first, taken);
      std::vector<Index> expected_ended;
      for (Index i = 0; i < count; ++i) {
        const Index e = first + i;
        Env& env = *alone[static_cast<std::size_t>(e)];
        const StepResult expected = env.step(taken[static_cast<std::size_t>(i)]);
        const StepResult& actual = results[static_cast<std::size_t>(e)];
        CHECK(actual.reward == expected.reward);
        CHECK(actual.terminated == expected.terminated);
        CHECK(actual.truncated == expected.truncated);
        if (expected.terminated || expected.truncated) expected_ended.push_back(e);
      }
      CHECK(std::vector<Index>(ended.begin(), ended.end()) == expected_ended);
      for (Index e = 0; e < copies; ++e) {
        CHECK(batch->state(e) == alone[static_cast<std::size_t>(e)]->state());
        std::vector<float> seen(static_cast<std::size_t>(width));
        alone[static_cast<std::size_t>(e)]->observe(seen);
        CHECK(std::equal(seen.begin(), seen.end(), observations.begin() + e * width));
      }
      for (const Index e : expected_ended) {
        batch->reset(observations, {&e, 1});
        alone[static_cast<std::size_t>(e)]->reset();
      }
    }
  }
}

}  // namespace
}  // namespace bellman::test
