// The sum-tree and prioritised replay in a backend's memory, against rl/replay/sum_tree.h and rl/replay/sampler.h: the same
// bits.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "core/ops/replay_ops.h"
#include "rl/replay/sampler.h"
#include "rl/replay/sum_tree.h"
#include "tests/support/compare.h"
#include "tests/support/host_tensor.h"
#include "tests/support/not_finite.h"
#include "tests/support/training/replay_backends.h"

namespace bellman::test {
namespace {

using Doubles = HostTensor<double>;
using Slots = HostTensor<std::int32_t>;

/// Weights of very different sizes, a part of them 0.
double random_weight(RandomSequence& random) {
  if (random.uniform() < 0.2F) return 0;
  return std::ldexp(random.uniform(1, 2), static_cast<int>(uniform_index(random.word(), 40)) - 20);
}

/// The tree in a backend's memory and the host's, which are to stay the same.
struct TreeTwins {
  SumTree host;
  DoubleTensor nodes;

  TreeTwins(PlacedTensors& tensors, Index leaves)
      : host(leaves), nodes(tensors.put(Doubles({2 * leaves}, 0.0))) {}

  void set(ReplayOps& ops, PlacedTensors& tensors, const std::vector<std::int32_t>& leaf,
           const std::vector<double>& weight) {
    const Shape shape = {static_cast<Index>(leaf.size())};
    ops.sum_tree_set(nodes, tensors.put(Slots(shape, leaf)), tensors.put(Doubles(shape, weight)));
    host.set_many(std::vector<Index>(leaf.begin(), leaf.end()), weight);
  }

  /// Every node is, to the last bit, the sum of its children, and every leaf the host's.
  void check(PlacedTensors& tensors) const {
    const Doubles actual = tensors.get(nodes);
    const std::size_t leaves = actual.size() / 2;
    const std::span<const double> weights = host.state();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < leaves; ++i)
      if (actual[leaves + i] != weights[i]) ++wrong;
    CHECK(wrong == 0);
    for (std::size_t i = 1; i < leaves; ++i)
      if (actual[i] != actual[2 * i] + actual[2 * i + 1]) ++wrong;
    CHECK(wrong == 0);
    CHECK(actual[1] == host.total());
  }
};

/// `count` leaves, about every fourth one that was there before, and their weights.
void set_random(TreeTwins& twins, ReplayOps& ops, PlacedTensors& tensors, RandomSequence& random,
                Index leaves, std::size_t count) {
  std::vector<std::int32_t> leaf(count);
  std::vector<double> weight(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool again = i > 0 && random.uniform() < 0.25F;
    leaf[i] =
        again ? leaf[uniform_index(random.word(), static_cast<std::uint32_t>(i))]
              : static_cast<std::int32_t>(uniform_index(random.word(), static_cast<std::uint32_t>(leaves)));
    weight[i] = random_weight(random);
  }
  twins.set(ops, tensors, leaf, weight);
}

/// Masses anywhere, at the edges of leaves and one step beside them, and those beyond the ends.
std::vector<double> masses_to_find(const SumTree& tree, RandomSequence& random, std::size_t count) {
  const double total = tree.total();
  std::vector<double> masses = {-kInfinity, -1,        -0.0,     0, std::nextafter(total, 0.0),
                                total,      2 * total, kInfinity};
  for (std::size_t i = 0; i < count; ++i) masses.push_back(random.uniform(0, total));
  double edge = 0;
  for (std::size_t i = 0; i < std::min(tree.state().size(), std::size_t{8}); ++i) {
    edge += tree.state()[i];
    masses.insert(masses.end(), {edge, std::nextafter(edge, 0.0), std::nextafter(edge, kInfinity)});
  }
  return masses;
}

void check_find(const TreeTwins& twins, ReplayOps& ops, PlacedTensors& tensors,
                const std::vector<double>& masses) {
  const Shape shape = {static_cast<Index>(masses.size())};
  const IntTensor leaf = tensors.put_output<std::int32_t>(shape);
  ops.sum_tree_find(leaf, twins.nodes, tensors.put(Doubles(shape, masses)));
  const Slots found = tensors.get(leaf);
  for (std::size_t i = 0; i < masses.size(); ++i) {
    CAPTURE(masses[i]);
    CHECK(found[i] == twins.host.find(masses[i]));
    CHECK(twins.host.get(found[i]) > 0);
  }
}

TEST_CASE("the sum-tree is the host's to the last bit, whatever the number of leaves") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index leaves : {1, 2, 16, 32, 64, 1024, 1 << 20}) {
      CAPTURE(leaves);
      RandomSequence random = test_sequence(static_cast<std::uint64_t>(leaves));
      TreeTwins twins(tensors, leaves);
      for (std::size_t count : {1, 3, 31, 33, 64}) {
        set_random(twins, ops, tensors, random, leaves, count);
        twins.check(tensors);
      }
      twins.set(ops, tensors, {static_cast<std::int32_t>(leaves - 1)}, {0.5});
      twins.check(tensors);
      check_find(twins, ops, tensors, masses_to_find(twins.host, random, 24));
    }
  });
}

TEST_CASE("the sum-tree takes more leaves than a block has threads, the last of the same one wins") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    RandomSequence random = test_sequence(41);
    TreeTwins twins(tensors, 256);
    set_random(twins, ops, tensors, random, 256, 2500);
    twins.check(tensors);
    // One leaf alone: the last weight stays, of a batch and of the next.
    twins.set(ops, tensors, std::vector<std::int32_t>(40, 7), [] {
      std::vector<double> weights(40);
      for (std::size_t i = 0; i < 40; ++i) weights[i] = static_cast<double>(40 - i);
      return weights;
    }());
    CHECK(twins.host.get(7) == 1);
    twins.check(tensors);
  });
}

TEST_CASE("a sum-tree of one positive weight leads there from everywhere") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index leaves : {1, 4, 64, 2048})
      for (Index only : {Index{0}, leaves / 2, leaves - 1}) {
        TreeTwins twins(tensors, leaves);
        twins.set(ops, tensors, {static_cast<std::int32_t>(only)}, {1e-3});
        check_find(twins, ops, tensors, {-1, 0, 5e-4, 1e-3, 1, kInfinity});
      }
  });
}

TEST_CASE("a batch of no leaves changes nothing") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    TreeTwins twins(tensors, 8);
    twins.set(ops, tensors, {3}, {2});
    twins.set(ops, tensors, {}, {});
    twins.check(tensors);
    check_find(twins, ops, tensors, {});
  });
}

// ---- prioritised replay

constexpr PriorityPower kOptions = {0.6, 1e-6};
constexpr std::uint64_t kSeed = 9;

/// A memory's priorities in a backend's memory, beside a PrioritizedSampler.
struct PriorityTwins {
  ReplayOps& ops;
  PlacedTensors& tensors;
  PrioritizedSampler host;
  DoubleTensor nodes, max_priority;

  PriorityTwins(ReplayOps& replay_ops, PlacedTensors& placed, Index capacity)
      : ops(replay_ops),
        tensors(placed),
        host(capacity, kSeed, kOptions),
        nodes(placed.put(Doubles({2 * capacity}, 0.0))),
        max_priority(placed.put(Doubles({1}, 1.0))) {}

  /// In order: slots that can be drawn from now on, or no longer.
  void add(const std::vector<std::int32_t>& slots, const std::vector<std::int32_t>& added) {
    const Shape shape = {static_cast<Index>(slots.size())};
    ops.prioritized_add(nodes, max_priority, tensors.put(Slots(shape, slots)),
                        tensors.put(Slots(shape, added)), kOptions.alpha);
    for (std::size_t n = 0; n < slots.size(); ++n) added[n] ? host.on_add(slots[n]) : host.on_evict(slots[n]);
  }

  /// Draws on both sides and compares: the same slots, the same bits of the weights.
  std::vector<Index> check_sample(std::uint64_t step, Index batch, double beta) {
    host.set_beta(beta);
    const IntTensor slot = tensors.put_output<std::int32_t>({batch});
    const Tensor weight = tensors.put_output<float>({batch});
    ops.prioritized_sample(slot, weight, nodes, {kSeed, step, beta});
    std::vector<Index> slots(static_cast<std::size_t>(batch));
    std::vector<float> weights(slots.size());
    host.sample(step, slots, weights);
    const Slots drawn = tensors.get(slot);
    CHECK(std::vector<Index>(drawn.values().begin(), drawn.values().end()) == slots);
    CHECK(std::ranges::equal(tensors.get(weight).span(), weights));
    check_weights(slots, weights, beta);
    return slots;
  }

  /// Schaul et al. 2016, section 3.4: (N P)^-beta over the batch's largest, whichever sample that is of.
  void check_weights(const std::vector<Index>& slots, const std::vector<float>& weights, double beta) const {
    double most = 0;
    for (const Index slot : slots) most = std::max(most, std::pow(host.probability(slot), -beta));
    for (std::size_t n = 0; n < slots.size(); ++n) {
      CAPTURE(n);
      CHECK(std::abs(static_cast<double>(weights[n]) - std::pow(host.probability(slots[n]), -beta) / most) <=
            1e-6);
    }
  }

  void update(const std::vector<Index>& slots, const std::vector<float>& td_errors) {
    const Shape shape = {static_cast<Index>(slots.size())};
    const Slots slot(shape, {slots.begin(), slots.end()});
    ops.prioritized_update(nodes, max_priority, tensors.put(slot),
                           tensors.put(HostTensor<float>(shape, td_errors)),
                           {kOptions.alpha, kOptions.epsilon});
    host.on_td_error(slots, td_errors);
  }

  /// The same bits.
  void check() {
    const Doubles tree = tensors.get(nodes);
    const std::span<const double> leaves = tree.span().last(tree.size() / 2);
    CHECK(std::ranges::equal(leaves, host.state().weights));
    CHECK(tensors.get(max_priority)[0] == host.max_priority());
  }
};

/// The first `count` slots.
void add_first(PriorityTwins& twins, std::int32_t count) {
  std::vector<std::int32_t> slots(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) slots[static_cast<std::size_t>(i)] = i;
  twins.add(slots, std::vector<std::int32_t>(slots.size(), 1));
}

TEST_CASE("prioritised replay draws what the host's sampler draws, step after step") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    RandomSequence random = test_sequence(42);
    PriorityTwins twins(ops, tensors, 128);
    add_first(twins, 100);
    std::int32_t oldest = 0, next = 100;
    for (std::uint64_t step = 0; step < 6; ++step) {
      INFO("step ", step);
      const std::vector<Index> slots =
          twins.check_sample(step, step % 2 == 0 ? 33 : 64, 0.4 + 0.1 * double(step));
      std::vector<float> td_errors(slots.size());
      for (float& e : td_errors) e = static_cast<float>(random.uniform(-3, 3));
      twins.update(slots, td_errors);
      twins.check();
      // Two come, two go: in one batch, one of them evicted and added again.
      twins.add({oldest, next, oldest + 1, next + 1, oldest}, {0, 1, 0, 1, 1});
      twins.check();
      oldest += 2;
      next += 2;
    }
  });
}

TEST_CASE("prioritised replay of a large memory draws what the host's sampler draws") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    PriorityTwins twins(ops, tensors, 1 << 16);
    add_first(twins, 700);
    const std::vector<Index> slots = twins.check_sample(1ULL << 33, 65, 0.5);
    twins.update(slots, std::vector<float>(slots.size(), 0.25F));
    twins.check();
    twins.check_sample(8, 3, 1);
    twins.check_sample(9, 1, 0);
  });
}

TEST_CASE("prioritised replay of large batches weighs by the least priority, however late it is drawn") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    // Draws come in the order of slots: where a small priority stands decides when it is drawn.
    for (const Index batch : {65, 129, 500, 1100})
      for (const bool late : {true, false}) {
        CAPTURE(batch);
        PriorityTwins twins(ops, tensors, 4096);
        add_first(twins, 3000);
        std::vector<Index> slots;
        std::vector<float> td_errors;
        for (Index slot = 0; slot < 3000; ++slot) {
          slots.push_back(slot);
          const bool small = late ? slot >= 2000 : slot < 1000;
          td_errors.push_back(small ? 0.25F + 0.0001F * static_cast<float>(slot % 100) : 4.0F);
        }
        twins.update(slots, td_errors);
        twins.check();
        const std::vector<Index> drawn = twins.check_sample(3, batch, 0.7);
        const auto least = std::min_element(drawn.begin(), drawn.end(), [&](Index a, Index b) {
          return twins.host.probability(a) < twins.host.probability(b);
        });
        CHECK((least - drawn.begin() > batch / 2) == late);
        // And every draw of it learns: the last ones are in the tree, too.
        std::vector<float> errors(drawn.size());
        for (std::size_t n = 0; n < errors.size(); ++n) errors[n] = 0.5F + 0.01F * static_cast<float>(n);
        twins.update(drawn, errors);
        twins.check();
      }
  });
}

TEST_CASE("priorities: TD errors that are not finite and slots that were evicted are passed over") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  for_each_replay_backend([&](ReplayOps& ops, PlacedTensors& tensors) {
    PriorityTwins twins(ops, tensors, 64);
    add_first(twins, 6);
    twins.add({5}, {0});
    // Slot 1 twice: the last one counts, though a NaN follows. Slot 5 is gone, and its 1000 counts for
    // nothing.
    const Slots slot({7}, {1, 2, 1, 5, 3, 1, 4});
    const HostTensor<float> td_error({7}, {9, nan, -4, 1000, infinity, nan, 0});
    ops.prioritized_update(twins.nodes, twins.max_priority, tensors.put(slot), tensors.put(td_error),
                           {kOptions.alpha, kOptions.epsilon});
    twins.host.on_td_error(std::vector<Index>{1, 1, 4}, std::vector<float>{9, -4, 0});
    twins.check();
    CHECK(tensors.get(twins.max_priority)[0] == 9 + 1e-6);
    twins.check_sample(1, 33, 1);
  });
}

}  // namespace
}  // namespace bellman::test
