#include <vector>

#include <doctest/doctest.h>

#include "rl/replay/sampler.h"

namespace bellman {
namespace {

TEST_CASE("what became sampleable since the last sample comes once, oldest first") {
  NewestSampler sampler(3);
  std::vector<Index> slots(2);
  std::vector<float> weights(2);
  sampler.on_add(5);
  sampler.on_add(2);
  CHECK(sampler.size() == 2);
  sampler.sample(0, slots, weights);
  CHECK(slots == std::vector<Index>{5, 2});
  CHECK(weights == std::vector<float>{1, 1});
  CHECK(sampler.size() == 0);
  sampler.on_add(7);
  sampler.sample(1, std::span(slots).first(1), std::span(weights).first(1));
  CHECK(slots[0] == 7);
}

TEST_CASE("a slot that is overwritten before it was learnt from is forgotten") {
  NewestSampler sampler(3);
  sampler.on_add(5);
  sampler.on_add(2);
  sampler.on_evict(5);
  sampler.on_evict(9);  // learnt from long ago
  std::vector<Index> slots(1);
  std::vector<float> weights(1);
  sampler.sample(0, slots, weights);
  CHECK(slots[0] == 2);
}

TEST_CASE("asking for another number than waits, or adding too many, is refused") {
  NewestSampler sampler(1);
  sampler.on_add(0);
  std::vector<Index> slots(2);
  std::vector<float> weights(2);
  CHECK_THROWS_AS(sampler.sample(0, slots, weights), Error);
  CHECK_THROWS_AS(sampler.on_add(1), Error);
  CHECK_THROWS_AS(NewestSampler(0), Error);
}

}  // namespace
}  // namespace bellman
