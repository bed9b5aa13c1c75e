// The replay memory: drawing a batch, giving new priorities, gathering observations, adding a step.
// Everything is checked before it is timed; a wrong result gives an error, not a figure.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/base/rng.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/replay/sum_tree.h"

namespace {

using namespace bellman;

constexpr Index kBatch = 64;

/// TD errors of a batch, different at every step.
void draw_td_errors(std::vector<float>& td_errors, std::uint64_t step) {
  for (std::size_t i = 0; i < td_errors.size(); i += 4) {
    const RandomWords words = random_words({1, Purpose::kTest, 0}, step, static_cast<std::uint32_t>(i / 4));
    for (std::size_t j = 0; j < 4 && i + j < td_errors.size(); ++j)
      td_errors[i + j] = 2.0F * uniform_float(words[j]) - 1.0F;
  }
}

/// All slots can be sampled, and have priorities of their own.
PrioritizedSampler filled_prioritized(Index capacity) {
  PrioritizedSampler sampler(capacity, 1, {});
  std::vector<Index> slots(static_cast<std::size_t>(capacity));
  std::vector<float> td_errors(slots.size());
  for (Index slot = 0; slot < capacity; ++slot) {
    sampler.on_add(slot);
    slots[static_cast<std::size_t>(slot)] = slot;
  }
  draw_td_errors(td_errors, 0);
  sampler.on_td_error(slots, td_errors);
  return sampler;
}

/// The draw's slots are those that a sum of the priorities from the left gives.
bool draws_are_right(PrioritizedSampler& sampler) {
  std::vector<Index> slots(kBatch);
  std::vector<float> weights(kBatch);
  sampler.sample(7, slots, weights);
  const auto priorities = sampler.state().weights;
  double total = 0, sum = 0;
  for (double priority : priorities) total += priority;
  std::size_t slot = 0;
  for (Index i = 0; i < kBatch; ++i) {  // the i-th draw lies in the i-th of B parts
    const auto drawn = static_cast<std::size_t>(slots[static_cast<std::size_t>(i)]);
    for (; slot < drawn; ++slot) sum += priorities[slot];
    const double part = total / kBatch, slack = 1e-9 * total;
    const double low = part * static_cast<double>(i), high = low + part;
    if (drawn < slot || sum > high + slack || sum + priorities[drawn] < low - slack) return false;
  }
  return *std::max_element(weights.begin(), weights.end()) == 1.0F;
}

void prioritized_sample(benchmark::State& state) {
  PrioritizedSampler sampler = filled_prioritized(state.range(0));
  if (!draws_are_right(sampler)) return state.SkipWithError("the draws do not follow the priorities");
  std::vector<Index> slots(kBatch);
  std::vector<float> weights(kBatch);
  sampler.set_beta(0.4);
  std::uint64_t step = 0;
  for (auto _ : state) {
    sampler.sample(++step, slots, weights);
    benchmark::DoNotOptimize(weights.data());
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(prioritized_sample)->Arg(10'000)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

void prioritized_sample_and_update(benchmark::State& state) {
  PrioritizedSampler sampler = filled_prioritized(state.range(0));
  if (!draws_are_right(sampler)) return state.SkipWithError("the draws do not follow the priorities");
  std::vector<Index> slots(kBatch);
  std::vector<float> weights(kBatch), td_errors(kBatch);
  sampler.set_beta(0.4);
  draw_td_errors(td_errors, 1);
  std::uint64_t step = 0;
  for (auto _ : state) {
    sampler.sample(++step, slots, weights);
    sampler.on_td_error(slots, td_errors);
    benchmark::DoNotOptimize(weights.data());
  }
  // Of equal slots the last one counts.
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (std::find(slots.begin() + static_cast<std::ptrdiff_t>(i) + 1, slots.end(), slots[i]) != slots.end())
      continue;
    const double expected = std::pow(std::abs(td_errors[i]) + 1e-6, 0.6);
    if (!(std::abs(sampler.state().weights[static_cast<std::size_t>(slots[i])] - expected) <= 1e-12))
      return state.SkipWithError("a priority is not what its TD error says");
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(prioritized_sample_and_update)->Arg(10'000)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

/// A tree of 2^20 weights, and a batch of indices and masses, one in each of B parts.
struct TreeBench {
  TreeBench() : tree(1 << 20), indices(kBatch), masses(kBatch), weights(kBatch, 0.75) {
    std::vector<float> all(1 << 20);
    draw_td_errors(all, 0);
    for (Index i = 0; i < tree.capacity(); ++i)
      tree.set(i, std::abs(all[static_cast<std::size_t>(i)]) + 1e-6);
  }
  void draw(std::uint64_t step) {
    const double part = tree.total() / kBatch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      const RandomWords words = random_words({2, Purpose::kTest, 0}, step, static_cast<std::uint32_t>(i));
      masses[i] = (static_cast<double>(i) + uniform_double(words[0], words[1])) * part;
      indices[i] = uniform_index(words[2], 1 << 20);
    }
  }
  SumTree tree;
  std::vector<Index> indices;
  std::vector<double> masses, weights;
};

/// Both ways, one after the other and many at once; the time includes drawing the numbers.
void sum_tree_find(benchmark::State& state, bool at_once) {
  TreeBench bench;
  std::vector<Index> one(kBatch), many(kBatch);
  bench.draw(0);
  for (std::size_t i = 0; i < kBatch; ++i) one[i] = bench.tree.find(bench.masses[i]);
  bench.tree.find_many(many, bench.masses);
  if (one != many) return state.SkipWithError("find_many is not find");
  std::uint64_t step = 0;
  for (auto _ : state) {
    bench.draw(++step);
    if (at_once)
      bench.tree.find_many(many, bench.masses);
    else
      for (std::size_t i = 0; i < kBatch; ++i) many[i] = bench.tree.find(bench.masses[i]);
    benchmark::DoNotOptimize(many.data());
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK_CAPTURE(sum_tree_find, one_by_one, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sum_tree_find, at_once, true)->Unit(benchmark::kMicrosecond);

void sum_tree_set(benchmark::State& state, bool at_once) {
  TreeBench bench;
  std::uint64_t step = 0;
  for (auto _ : state) {
    bench.draw(++step);
    if (at_once)
      bench.tree.set_many(bench.indices, bench.weights);
    else
      for (std::size_t i = 0; i < kBatch; ++i) bench.tree.set(bench.indices[i], bench.weights[i]);
    benchmark::ClobberMemory();
  }
  SumTree fresh(bench.tree.capacity());
  fresh.set_state(bench.tree.state());
  if (fresh.total() != bench.tree.total()) return state.SkipWithError("the total is not the sum");
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK_CAPTURE(sum_tree_set, one_by_one, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sum_tree_set, at_once, true)->Unit(benchmark::kMicrosecond);

void uniform_sample(benchmark::State& state) {
  const Index capacity = state.range(0);
  UniformSampler sampler(capacity, 1);
  for (Index slot = 0; slot < capacity; slot += 2) sampler.on_add(slot);  // the even ones alone
  std::vector<Index> slots(kBatch);
  std::vector<float> weights(kBatch);
  std::uint64_t step = 0;
  for (auto _ : state) {
    sampler.sample(++step, slots, weights);
    benchmark::DoNotOptimize(slots.data());
  }
  for (Index slot : slots)
    if (slot < 0 || slot >= capacity || slot % 2 != 0)
      return state.SkipWithError("a slot was drawn that cannot be sampled");
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(uniform_sample)->Arg(10'000)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

/// A ring that went round once, with episodes of 100 steps and observations that hold their slot's number.
void assemble_and_gather(benchmark::State& state, ObservationType type) {
  const Index capacity = state.range(0), size = state.range(1), batch_size = state.range(2);
  ReplayRing ring(capacity, 1, 3, 0.99);
  UniformSampler sampler(capacity, 1);
  ObservationStore store(capacity, size, type);
  std::vector<float> observation(static_cast<std::size_t>(size));
  for (Index t = 0; t < capacity + capacity / 2; ++t) {
    const ReplayWrite write = t % 101 == 0 ? ring.begin_episode(0) : ring.add(0, 0, 1, t % 101 == 100, false);
    std::fill(observation.begin(), observation.end(), static_cast<float>(write.slot % 251));
    store.store(write.slot, observation);
    sampler.on_write(write);
  }
  BatchArrays arrays(batch_size);
  std::vector<float> s(static_cast<std::size_t>(batch_size * size)), s_next(s.size());
  std::uint64_t step = 0;
  for (auto _ : state) {
    sampler.sample(++step, arrays.slots, arrays.weights);
    const Batch batch = ring.assemble(arrays, batch_size);
    store.gather(s, batch.slots);
    store.gather(s_next, batch.next_slots);
    benchmark::DoNotOptimize(s.data());
    benchmark::DoNotOptimize(s_next.data());
  }
  for (std::size_t i = 0; i < s.size(); ++i) {
    const std::size_t row = i / static_cast<std::size_t>(size);
    if (s[i] != static_cast<float>(arrays.slots[row] % 251) ||
        s_next[i] != static_cast<float>(arrays.next_slots[row] % 251))
      return state.SkipWithError("a gathered observation is not what was stored");
  }
  state.SetItemsProcessed(state.iterations() * batch_size);
  state.SetBytesProcessed(state.iterations() * 2 * ObservationStore::bytes_needed(batch_size, size, type));
}
BENCHMARK_CAPTURE(assemble_and_gather, float32, ObservationType::kFloat32)
    ->ArgNames({"slots", "elements", "batch"})
    ->Args({10'000, 4, 64})
    ->Args({1 << 20, 4, 64})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(assemble_and_gather, uint8, ObservationType::kUint8)
    ->ArgNames({"slots", "elements", "batch"})
    ->Args({10'000, 4096, 64})
    ->Args({10'000, 4 * 84 * 84, 32})  // Nature-DQN's frames, into the floats that its network reads
    ->Unit(benchmark::kMicrosecond);

void add(benchmark::State& state, bool by_priority) {
  ReplayRing ring(10'000, 1, 3, 0.99);
  PrioritizedSampler prioritised(10'000, 1, {});
  UniformSampler uniform(10'000, 1);
  Sampler& sampler = by_priority ? static_cast<Sampler&>(prioritised) : uniform;
  Index t = 0;
  for (auto _ : state) {
    sampler.on_write(t % 101 == 0 ? ring.begin_episode(0) : ring.add(0, 0, 1, t % 101 == 100, false));
    ++t;
  }
  if (sampler.size() != ring.size()) return state.SkipWithError("ring and sampler do not agree");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(add, uniform, false);
BENCHMARK_CAPTURE(add, prioritized, true);

}  // namespace

BENCHMARK_MAIN();
