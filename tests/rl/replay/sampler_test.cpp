#include "rl/replay/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "rl/config/schedule.h"
#include "tests/support/not_finite.h"

using namespace bellman;

namespace {

/// Pearson's statistic: sum (observed - expected)^2 / expected.
double chi_squared(const std::vector<Index>& observed, const std::vector<double>& probability) {
  const double n = static_cast<double>(std::accumulate(observed.begin(), observed.end(), Index{0}));
  double statistic = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double expected = n * probability[i];
    statistic += (static_cast<double>(observed[i]) - expected) *
                 (static_cast<double>(observed[i]) - expected) / expected;
  }
  return statistic;
}

struct Drawn {
  std::vector<Index> slots;
  std::vector<float> weights;
};

Drawn draw(Sampler& sampler, std::uint64_t learn_step, std::size_t batch) {
  Drawn drawn{std::vector<Index>(batch), std::vector<float>(batch)};
  sampler.sample(learn_step, drawn.slots, drawn.weights);
  return drawn;
}

void set_td_errors(Sampler& sampler, const std::vector<Index>& slots, const std::vector<float>& td_errors) {
  sampler.on_td_error(slots, td_errors);
}

/// A prioritised sampler of slots 0, 1, 2, ... with these TD errors.
PrioritizedSampler prioritized(const std::vector<float>& td_errors, const PriorityPower& options,
                               std::uint64_t seed = 1) {
  PrioritizedSampler sampler(static_cast<Index>(td_errors.size()), seed, options);
  std::vector<Index> slots(td_errors.size());
  for (std::size_t i = 0; i < slots.size(); ++i) sampler.on_add(slots[i] = static_cast<Index>(i));
  sampler.on_td_error(slots, td_errors);
  return sampler;
}

}  // namespace

TEST_CASE("uniform sampling is uniform") {
  UniformSampler sampler(40, 2);
  for (Index slot = 0; slot < 40; ++slot) sampler.on_add(slot);
  for (Index slot = 0; slot < 40; ++slot)
    if (slot % 4 != 1) sampler.on_evict(slot);  // 10 are left: 1, 5, 9, ...
  std::vector<Index> counts(10, 0), pairs(100, 0);
  for (std::uint64_t step = 0; step < 2000; ++step) {
    const Drawn drawn = draw(sampler, step, 64);
    for (std::size_t i = 0; i < 64; ++i) {
      REQUIRE(drawn.slots[i] % 4 == 1);
      ++counts[static_cast<std::size_t>(drawn.slots[i] / 4)];
      if (i % 2 == 1) ++pairs[static_cast<std::size_t>(10 * (drawn.slots[i - 1] / 4) + drawn.slots[i] / 4)];
      REQUIRE(drawn.weights[i] == 1.0F);
    }
  }
  // The 0.1 % and 99.9 % points of chi-squared with 9 and 99 degrees of freedom.
  CHECK(chi_squared(counts, std::vector<double>(10, 0.1)) < 27.88);
  CHECK(chi_squared(counts, std::vector<double>(10, 0.1)) > 1.15);
  // Draws of a batch are independent of each other: with replacement, so that a pair can be equal.
  CHECK(chi_squared(pairs, std::vector<double>(100, 0.01)) < 148.23);
  CHECK(chi_squared(pairs, std::vector<double>(100, 0.01)) > 61.14);
}

TEST_CASE("prioritised sampling follows the priorities") {
  const std::vector<float> td_errors = {0.5F, 1, 2, 0.25F, -4, 0.125F, 3, -1};
  PrioritizedSampler sampler = prioritized(td_errors, {0.6, 1e-6});
  std::vector<double> probability;
  for (Index slot = 0; slot < 8; ++slot) probability.push_back(sampler.probability(slot));
  // In batches of one, strata are the whole: draws are independent.
  std::vector<Index> alone(8, 0), stratified(8, 0);
  for (std::uint64_t step = 0; step < 100'000; ++step)
    ++alone[static_cast<std::size_t>(draw(sampler, step, 1).slots[0])];
  // The 0.1 % and 99.9 % points of chi-squared with 7 degrees of freedom.
  CHECK(chi_squared(alone, probability) < 24.32);
  CHECK(chi_squared(alone, probability) > 0.598);
  // In larger ones they are less scattered than independent draws.
  for (std::uint64_t step = 0; step < 3000; ++step)
    for (Index slot : draw(sampler, step, 33).slots) ++stratified[static_cast<std::size_t>(slot)];
  CHECK(chi_squared(stratified, probability) < 24.32);
}

TEST_CASE("prioritised draws of one batch are independent of each other within their parts") {
  // 32 equal priorities in batches of 4: each draw picks one of the 8 slots of its part.
  PrioritizedSampler sampler = prioritized(std::vector<float>(32, 1.0F), {});
  std::vector<Index> neighbours(64, 0), apart(64, 0);
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const std::vector<Index> slots = draw(sampler, step, 4).slots;
    ++neighbours[static_cast<std::size_t>(8 * slots[0] + slots[1] - 8)];
    ++apart[static_cast<std::size_t>(8 * slots[0] + slots[2] - 16)];
  }
  // The 99.9 % point of chi-squared with 63 degrees of freedom.
  CHECK(chi_squared(neighbours, std::vector<double>(64, 1.0 / 64)) < 103.44);
  CHECK(chi_squared(apart, std::vector<double>(64, 1.0 / 64)) < 103.44);
}

TEST_CASE("prioritised draws are stratified: the n-th comes from the n-th part of the sum") {
  // Sixteen equal priorities and a batch of sixteen: each is drawn exactly once, in order.
  PrioritizedSampler equal = prioritized(std::vector<float>(16, 2.0F), {});
  for (std::uint64_t step = 0; step < 50; ++step) {
    const Drawn drawn = draw(equal, step, 16);
    for (Index i = 0; i < 16; ++i) REQUIRE(drawn.slots[static_cast<std::size_t>(i)] == i);
  }
  // One that has half the sum gets half of every batch.
  PrioritizedSampler half = prioritized({7, 1, 1, 1, 1, 1, 1, 1}, {1.0, 1e-30});
  for (std::uint64_t step = 0; step < 50; ++step) {
    const Drawn drawn = draw(half, step, 10);
    REQUIRE(std::count(drawn.slots.begin(), drawn.slots.end(), 0) == 5);
  }
}

TEST_CASE("priority is a power, not a factor") {
  // 16^0.5 is 4 times 1^0.5. As a factor, alpha would cancel, and it would be 16 times.
  const PrioritizedSampler sampler = prioritized({16, -1, 4}, {0.5, 1e-12});
  CHECK(sampler.probability(0) == doctest::Approx(4.0 / 7).epsilon(1e-9));
  CHECK(sampler.probability(1) == doctest::Approx(1.0 / 7).epsilon(1e-9));
  CHECK(sampler.probability(2) == doctest::Approx(2.0 / 7).epsilon(1e-9));
  const PrioritizedSampler none = prioritized({16, -1, 4}, {0.0, 1e-12});
  for (Index slot = 0; slot < 3; ++slot) CHECK(none.probability(slot) == doctest::Approx(1.0 / 3));
}

TEST_CASE("priority is |td_error| + epsilon: nothing is never sampled again") {
  const PrioritizedSampler sampler = prioritized({0, 1, -1}, {1.0, 0.25});
  CHECK(sampler.probability(0) == doctest::Approx(0.25 / 2.75));
  CHECK(sampler.probability(1) == doctest::Approx(1.25 / 2.75));
  CHECK(sampler.probability(2) == sampler.probability(1));  // the sign does not matter
}

TEST_CASE("importance weights are (N P)^-beta a sample, over the batch's largest") {
  PrioritizedSampler sampler = prioritized({0.5F, 1, 2, 0.25F, 4, 0.125F, 3}, {0.7, 1e-6});
  for (double beta : {0.0, 0.4, 1.0}) {
    sampler.set_beta(beta);
    for (std::uint64_t step = 0; step < 20; ++step) {
      const Drawn drawn = draw(sampler, step, 5);
      std::vector<double> expected;
      for (Index slot : drawn.slots)
        expected.push_back(std::pow(static_cast<double>(sampler.size()) * sampler.probability(slot), -beta));
      const double largest = *std::max_element(expected.begin(), expected.end());
      for (std::size_t i = 0; i < 5; ++i) REQUIRE(std::abs(drawn.weights[i] - expected[i] / largest) <= 1e-6);
      REQUIRE(*std::max_element(drawn.weights.begin(), drawn.weights.end()) == 1.0F);
    }
  }
}

TEST_CASE("importance weights of a large batch are over its largest, in whichever part that is drawn") {
  for (const std::size_t batch : {64, 65, 200, 1000})
    for (const std::size_t small : {0, 70, 130, 199}) {  // the slot of the least priority
      std::vector<float> td_errors(200, 2.0F);
      td_errors[small] = 0.9F;
      PrioritizedSampler sampler = prioritized(td_errors, {1, 1e-6});
      sampler.set_beta(0.5);
      for (std::uint64_t step = 0; step < 4; ++step) {
        const Drawn drawn = draw(sampler, step, batch);
        const bool has_small =
            std::find(drawn.slots.begin(), drawn.slots.end(), Index(small)) != drawn.slots.end();
        for (std::size_t i = 0; i < batch; ++i) {
          const double expected =
              has_small && drawn.slots[i] != Index(small) ? std::sqrt(0.900001 / 2.000001) : 1.0;
          REQUIRE(std::abs(drawn.weights[i] - expected) <= 1e-6);
        }
        if (batch == 1000) REQUIRE(has_small);
      }
    }
}

TEST_CASE("new transitions enter with the maximum priority seen") {
  PrioritizedSampler sampler(8, 1, {0.5, 1e-6});
  CHECK(sampler.max_priority() == 1);
  sampler.on_add(0);
  sampler.on_add(1);
  set_td_errors(sampler, {0, 1}, {8.0F, 0.5F});
  sampler.on_add(2);
  CHECK(sampler.max_priority() == doctest::Approx(8 + 1e-6).epsilon(1e-12));
  CHECK(sampler.probability(2) == sampler.probability(0));
  // Ever seen: it stays when the transition that had it learns, and when it is gone.
  set_td_errors(sampler, {0}, {0.1F});
  sampler.on_evict(0);
  sampler.on_add(3);
  CHECK(sampler.probability(3) == sampler.probability(2));
  // Raw: the power is taken once. (8 / 0.5)^0.5 = 4.
  CHECK(sampler.probability(3) / sampler.probability(1) == doctest::Approx(4).epsilon(1e-5));
}

TEST_CASE("beta is annealed and never above 1") {
  const LinearSchedule beta(0.4, 1.0, 100);
  CHECK(beta(0) == 0.4);
  CHECK(beta(50) == doctest::Approx(0.7));
  for (Index step = 0; step < 100; ++step) CHECK(beta(step + 1) > beta(step));
  for (Index step : {100, 101, 1'000'000}) CHECK(beta(step) == 1.0);
  PrioritizedSampler prioritised(4, 1, {});
  UniformSampler uniform(4, 1);
  for (Sampler* sampler : {static_cast<Sampler*>(&prioritised), static_cast<Sampler*>(&uniform)}) {
    sampler->set_beta(1.0);
    CHECK_THROWS_AS(sampler->set_beta(std::nextafter(1.0, 2.0)), Error);
    CHECK_THROWS_AS(sampler->set_beta(-0.1), Error);
    CHECK_THROWS_AS(sampler->set_beta(static_cast<double>(test::kNanF)), Error);
  }
}

TEST_CASE("duplicate slots in one batch have one defined winner: the last TD error") {
  PrioritizedSampler sampler = prioritized({1, 1}, {1.0, 1e-30});
  set_td_errors(sampler, {0, 1, 0, 0}, {100.0F, 1.0F, 50.0F, 3.0F});
  CHECK(sampler.probability(0) == doctest::Approx(0.75));
  // Batches longer than what is updated at once, too.
  std::vector<Index> slots(150, 1);
  std::vector<float> td_errors(150, 9.0F);
  td_errors.back() = 1.0F;
  set_td_errors(sampler, slots, td_errors);
  CHECK(sampler.probability(1) == doctest::Approx(0.25));
}

TEST_CASE("samplers draw only what the ring can sample, never a slot not yet filled") {
  for (std::uint64_t config = 0; config < 30; ++config) {
    CAPTURE(config);
    RandomSequence random({21, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 3);
    ReplayRing ring(2 * (n + 2 + uniform_index(random.word(), 20)), 2, n, 0.9);
    UniformSampler uniform(ring.capacity(), config);
    PrioritizedSampler prioritised(ring.capacity(), config, {});
    bool running[2] = {};
    for (std::uint64_t t = 0; t < 150; ++t) {
      const Index env = uniform_index(random.word(), 2);
      const bool end = random.uniform() < 0.15F;
      const ReplayWrite write = running[env] ? ring.add(env, 0, 0, end, false) : ring.begin_episode(env);
      running[env] = !running[env] || !end;
      for (Sampler* sampler : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&prioritised)}) {
        sampler->on_write(write);
        REQUIRE(sampler->size() == ring.size());
        if (ring.size() == 0) continue;
        Drawn drawn = draw(*sampler, t, 9);
        std::vector<float> td_errors(9);
        for (std::size_t i = 0; i < 9; ++i) {
          REQUIRE(ring.sampleable(drawn.slots[i]));
          td_errors[i] = random.uniform();
        }
        sampler->on_td_error(drawn.slots, td_errors);
      }
    }
  }
}

TEST_CASE("a TD error that comes after its slot was overwritten changes nothing") {
  PrioritizedSampler sampler = prioritized({1, 2, 3}, {1.0, 1e-6});
  sampler.on_evict(1);
  const double total = sampler.probability(0);
  set_td_errors(sampler, {1}, {1000.0F});
  CHECK(sampler.probability(1) == 0);
  CHECK(sampler.probability(0) == total);
  CHECK(sampler.size() == 2);
  CHECK(sampler.max_priority() < 4);
}

TEST_CASE("draws are a function of seed, learn step and contents") {
  UniformSampler uniform(100, 5), same(100, 5), other(100, 6);
  PrioritizedSampler prioritised(100, 5, {}), same_prioritised(100, 5, {});
  for (Index slot = 0; slot < 100; ++slot)
    for (Sampler* s :
         {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&same), static_cast<Sampler*>(&other),
          static_cast<Sampler*>(&prioritised), static_cast<Sampler*>(&same_prioritised)})
      s->on_add(slot);
  draw(uniform, 1, 7);  // what was drawn before does not matter
  draw(prioritised, 1, 7);
  CHECK(draw(uniform, 9, 64).slots == draw(same, 9, 64).slots);
  CHECK(draw(prioritised, 9, 64).slots == draw(same_prioritised, 9, 64).slots);
  CHECK(draw(uniform, 9, 64).slots != draw(uniform, 10, 64).slots);
  CHECK(draw(uniform, 9, 64).slots != draw(other, 9, 64).slots);
  CHECK(draw(prioritised, 9, 64).slots != draw(prioritised, 10, 64).slots);
  // Steps beyond 2^32 are steps of their own.
  CHECK(draw(uniform, 9, 64).slots != draw(uniform, 9 + (std::uint64_t{1} << 32), 64).slots);
}

TEST_CASE("samplers whose state is restored draw alike") {
  UniformSampler uniform(50, 3), uniform_copy(50, 3);
  PrioritizedSampler prioritised(50, 3, {}), prioritised_copy(50, 3, {});
  RandomSequence random({22, Purpose::kTest, 0});
  for (Index slot = 0; slot < 50; ++slot)
    for (Sampler* s : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&prioritised)}) s->on_add(slot);
  for (Index slot : {3, 17, 49, 0, 22})
    for (Sampler* s : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&prioritised)})
      s->on_evict(slot);
  set_td_errors(prioritised, {5, 6, 7}, {10.0F, 0.01F, 3.0F});
  uniform_copy.on_add(3);  // what was there before is gone
  uniform_copy.set_state(uniform.state());
  prioritised_copy.set_state(prioritised.state());
  CHECK(uniform_copy.size() == 45);
  CHECK(prioritised_copy.size() == 45);
  for (Sampler* s : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&uniform_copy),
                     static_cast<Sampler*>(&prioritised), static_cast<Sampler*>(&prioritised_copy)}) {
    s->on_evict(30);
    s->on_add(3);
  }
  CHECK(draw(uniform, 4, 64).slots == draw(uniform_copy, 4, 64).slots);
  CHECK(draw(prioritised, 4, 64).slots == draw(prioritised_copy, 4, 64).slots);
  CHECK(draw(prioritised, 4, 64).weights == draw(prioritised_copy, 4, 64).weights);

  CHECK_THROWS_AS(uniform.set_state(std::vector<std::int32_t>{1, 2, 1}), Error);
  CHECK_THROWS_AS(uniform.set_state(std::vector<std::int32_t>{50}), Error);
  const std::vector<double> too_large(50, 2.0), negative(50, -1.0), few(3, 1.0), ones(50, 1.0);
  CHECK_THROWS_AS(prioritised.set_state({too_large, 1.0}), Error);
  CHECK_THROWS_AS(prioritised.set_state({negative, 1.0}), Error);
  CHECK_THROWS_AS(prioritised.set_state({few, 1.0}), Error);
  CHECK_THROWS_AS(prioritised.set_state({ones, static_cast<double>(test::kNanF)}), Error);
  CHECK(uniform.size() == 45);
  CHECK(prioritised.size() == 45);
}

TEST_CASE("what a sampler cannot do is an error") {
  CHECK_THROWS_AS(UniformSampler(0, 1), Error);
  CHECK_THROWS_AS(UniformSampler(Index{1} << 31, 1), Error);
  CHECK_THROWS_AS(PrioritizedSampler(0, 1, {}), Error);
  CHECK_THROWS_AS(PrioritizedSampler(4, 1, {1.5, 1e-6}), Error);
  CHECK_THROWS_AS(PrioritizedSampler(4, 1, {-0.5, 1e-6}), Error);
  CHECK_THROWS_AS(PrioritizedSampler(4, 1, {0.5, 0.0}), Error);
  UniformSampler uniform(4, 1);
  PrioritizedSampler prioritised(4, 1, {});
  for (Sampler* sampler : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&prioritised)}) {
    CHECK_THROWS_AS(draw(*sampler, 0, 3), Error);  // nothing there
    CHECK_THROWS_AS(sampler->on_evict(2), Error);
    sampler->on_add(2);
    CHECK_THROWS_AS(sampler->on_add(2), Error);
    CHECK_THROWS_AS(sampler->on_add(4), Error);
    CHECK_THROWS_AS(sampler->on_evict(-1), Error);
    std::vector<Index> slots(3);
    std::vector<float> weights(2);
    CHECK_THROWS_AS(sampler->sample(0, slots, weights), Error);
    CHECK_THROWS_AS(set_td_errors(*sampler, {2, 2}, {1.0F}), Error);
    CHECK_THROWS_WITH_AS(set_td_errors(*sampler, {2, 2}, {1.0F, test::kNanF}),
                         "the TD error of the transition in slot 2 is nan, must be finite", Error);
    CHECK(sampler->size() == 1);
  }
}
