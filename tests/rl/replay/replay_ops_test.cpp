// The ops on a replay memory, wherever they run, against what rl/ does on the host.
#include "core/ops/replay_ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "rl/learn/epsilon_greedy.h"
#include "tests/support/compare.h"
#include "tests/support/error_message.h"
#include "tests/support/host_tensor.h"
#include "tests/support/training/replay_backends.h"

namespace bellman::test {
namespace {

using Numbers = HostTensor<float>;
using Bytes = HostTensor<std::uint8_t>;
using Slots = HostTensor<std::int32_t>;

constexpr Index kWidths[] = {1, 3, 4, 31, 33, 64, 520};
constexpr Index kBatches[] = {1, 3, 33};
constexpr Index kCapacity = 40;

template <class T>
HostTensor<T> counting(const Shape& shape, int modulus) {
  HostTensor<T> tensor(shape);
  for (std::size_t i = 0; i < tensor.size(); ++i)
    tensor[i] = static_cast<T>((7 * i + 3) % static_cast<std::size_t>(modulus));
  return tensor;
}

/// B slots of [0, kCapacity), none twice.
Slots distinct_slots(Index batch) {
  Slots slots({batch});
  for (std::size_t n = 0; n < slots.size(); ++n)
    slots[n] = static_cast<std::int32_t>((11 * n + 5) % kCapacity);
  return slots;
}

// ---- rows

/// x(B,I) of memory(S,I).
template <class Stored>
Numbers gathered(const HostTensor<Stored>& memory, const Slots& slots) {
  const Index width = memory.shape()[1];
  Numbers x({slots.shape()[0], width});
  for (std::size_t n = 0; n < slots.size(); ++n)
    for (std::size_t i = 0; i < std::size_t(width); ++i)
      x[n * std::size_t(width) + i] = float(memory[std::size_t(slots[n] * width) + i]);
  return x;
}

template <class Stored>
HostTensor<Stored> scattered(HostTensor<Stored> memory, const Numbers& x, const Slots& slots) {
  const Index width = memory.shape()[1];
  for (std::size_t n = 0; n < slots.size(); ++n)
    for (std::size_t i = 0; i < std::size_t(width); ++i)
      memory[std::size_t(slots[n] * width) + i] = static_cast<Stored>(x[n * std::size_t(width) + i]);
  return memory;
}

TEST_CASE("rows of a replay memory come out and go in, of any width") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index width : kWidths)
      for (Index batch : kBatches) {
        INFO("rows of ", width, ", batch ", batch);
        const Slots slots = distinct_slots(batch);
        const auto memory = counting<float>({kCapacity, width}, 10007);
        const auto bytes = counting<std::uint8_t>({kCapacity, width}, 256);
        const auto x = counting<float>({batch, width}, 251);
        const ConstIntTensor slot = tensors.put(slots);
        const Tensor out = tensors.put_output<float>({batch, width});
        const Tensor placed = tensors.put(memory);
        const ByteTensor placed_bytes = tensors.put(bytes);

        ops.gather(out, placed, slot);
        CHECK(tensors.get(out).values() == gathered(memory, slots).values());
        ops.gather_bytes(out, placed_bytes, slot);
        CHECK(tensors.get(out).values() == gathered(bytes, slots).values());

        ops.scatter(placed, tensors.put(x), slot);
        CHECK(tensors.get(placed).values() == scattered(memory, x, slots).values());
        ops.scatter_bytes(placed_bytes, tensors.put(x), slot);
        CHECK(tensors.get(placed_bytes).values() == scattered(bytes, x, slots).values());
      }
  });
}

TEST_CASE("rows that begin anywhere come out all the same") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    const auto flat = counting<float>({1 + kCapacity * 4}, 10007);
    const auto flat_bytes = counting<std::uint8_t>({1 + kCapacity * 4}, 256);
    const Shape shape = {kCapacity, 4};
    const ConstTensor memory(tensors.put(flat).data() + 1, shape);
    const ConstByteTensor bytes(tensors.put(flat_bytes).data() + 1, shape);
    const Slots slots = distinct_slots(7);
    const Tensor out = tensors.put_output<float>({7, 4});
    const Numbers from(shape, {flat.values().begin() + 1, flat.values().end()});
    ops.gather(out, memory, tensors.put(slots));
    CHECK(tensors.get(out).values() == gathered(from, slots).values());
    const Bytes bytes_from(shape, {flat_bytes.values().begin() + 1, flat_bytes.values().end()});
    ops.gather_bytes(out, bytes, tensors.put(slots));
    CHECK(tensors.get(out).values() == gathered(bytes_from, slots).values());
  });
}

TEST_CASE("a slot that is gathered twice comes out twice") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    const auto memory = counting<float>({kCapacity, 4}, 10007);
    const Slots slots({3}, {9, 2, 9});
    const Tensor out = tensors.put_output<float>({3, 4});
    ops.gather(out, tensors.put(memory), tensors.put(slots));
    CHECK(tensors.get(out).values() == gathered(memory, slots).values());
  });
}

TransitionTensors place_transitions(PlacedTensors& tensors, Index n, int modulus) {
  TransitionTensors t;
  t.action = tensors.put(counting<std::int32_t>({n}, modulus));
  t.next_slot = tensors.put(counting<std::int32_t>({n}, modulus + 1));
  t.reward = tensors.put(counting<float>({n}, modulus + 2));
  t.discount = tensors.put(counting<float>({n}, modulus + 3));
  t.terminated = tensors.put(counting<float>({n}, 2));
  return t;
}

/// All five arrays, as doubles, for the indices given.
std::vector<double> transitions_at(PlacedTensors& tensors, const TransitionTensors& t,
                                   const std::vector<std::int32_t>& indices) {
  std::vector<double> values;
  const auto append = [&](const auto& array) {
    for (std::int32_t i : indices) values.push_back(double(array[std::size_t(i)]));
  };
  append(tensors.get(t.action));
  append(tensors.get(t.next_slot));
  append(tensors.get(t.reward));
  append(tensors.get(t.discount));
  append(tensors.get(t.terminated));
  return values;
}

TEST_CASE("transitions come out of a replay memory and go in") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index batch : kBatches) {
      INFO("batch ", batch);
      const Slots slots = distinct_slots(batch);
      std::vector<std::int32_t> rows(std::size_t(batch), 0), others;
      std::iota(rows.begin(), rows.end(), 0);
      for (std::int32_t s = 0; s < kCapacity; ++s)
        if (std::find(slots.values().begin(), slots.values().end(), s) == slots.values().end())
          others.push_back(s);

      const TransitionTensors memory = place_transitions(tensors, kCapacity, 1009);
      const TransitionTensors out = place_transitions(tensors, batch, 5);
      ops.gather_transitions(out, memory, tensors.put(slots));
      CHECK(transitions_at(tensors, out, rows) == transitions_at(tensors, memory, slots.values()));

      const TransitionTensors in = place_transitions(tensors, batch, 13);
      const std::vector<double> untouched = transitions_at(tensors, memory, others);
      ops.scatter_transitions(memory, in, tensors.put(slots));
      CHECK(transitions_at(tensors, memory, slots.values()) == transitions_at(tensors, in, rows));
      CHECK(transitions_at(tensors, memory, others) == untouched);
    }
  });
}

// ---- acting and telling

TEST_CASE("epsilon_greedy acts as environments on the host do") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index batch : {1, 33, 130})
      for (Index actions : {1, 2, 5})
        for (double epsilon : {0.0, 0.3, 1.0}) {
          INFO("batch ", batch, ", actions ", actions, ", epsilon ", epsilon);
          const EpsilonGreedy options = {
              .seed = 4, .round = (1ULL << 33) + 7, .epsilon = epsilon, .first_env = 3};
          const auto q = counting<float>({batch, actions}, 4);  // with equal ones
          const IntTensor action = tensors.put_output<std::int32_t>({batch});
          ops.epsilon_greedy(action, tensors.put(q), options);
          const auto chosen = tensors.get(action);
          for (std::uint32_t n = 0; n < std::uint32_t(batch); ++n) {
            const auto explored = bellman::exploratory_action(RandomStream{4, Purpose::kExploration, 3 + n},
                                                              options.round, epsilon, int(actions));
            const auto row = q.span().subspan(n * std::size_t(actions), std::size_t(actions));
            CHECK(chosen[n] == explored.value_or(greedy_action(row)));
          }
        }
  });
}

TEST_CASE("learn statistics are sums, in double, of what the steps reported") {
  RandomSequence random = test_sequence(31);
  for_each_replay_backend([&](ReplayOps& ops, PlacedTensors& tensors) {
    for (Index batch : {1, 33, 600}) {
      INFO("batch ", batch);
      const DoubleTensor sums = tensors.put(HostTensor<double>({4}, 0.0));
      double loss_sum = 0, norm_sum = 0, q_sum = 0;
      for (bool with_norm : {true, false, true}) {
        const auto y = random_tensor<float>(random, {batch}, -3, 3);
        const auto td_error = random_tensor<float>(random, {batch});
        const auto loss = random_tensor<float>(random, {1}, 0, 1),
                   norm = random_tensor<float>(random, {1}, 0, 1);
        const ConstTensor placed_norm = with_norm ? ConstTensor(tensors.put(norm)) : ConstTensor();
        ops.add_learn_stats(sums, tensors.put(loss), placed_norm, tensors.put(y), tensors.put(td_error));
        loss_sum += double(loss[0]);
        if (with_norm) norm_sum += double(norm[0]);
        double q = 0;
        for (std::size_t n = 0; n < y.size(); ++n) q += double(y[n]) - double(td_error[n]);
        q_sum += q / double(batch);
      }
      const std::vector<double> expected = {loss_sum, norm_sum, q_sum, 3};
      // |y - td_error| < 4: three means of so many terms.
      check_close<double, double>(tensors.get(sums).span(), expected,
                                  rounding_bound<double>(double(batch) + 4), 12);
    }
  });
}

TEST_CASE("a NaN reaches the learn statistics") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for_each_replay_backend([&](ReplayOps& ops, PlacedTensors& tensors) {
    const DoubleTensor sums = tensors.put(HostTensor<double>({4}, 0.0));
    const auto y = tensors.put(Numbers({3}, {1, nan, 2}));
    const auto one = tensors.put(Numbers({1}, nan)), zeros = tensors.put(Numbers({3}, 0.0F));
    ops.add_learn_stats(sums, one, one, y, zeros);
    for (std::size_t i = 0; i < 3; ++i) CHECK(std::isnan(tensors.get(sums)[i]));
    CHECK(tensors.get(sums)[3] == 1);
  });
}

// ---- steps that go wrong

TEST_CASE("a step that a guard holds changes neither priorities nor learn statistics") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    for (const std::int32_t held : {0, 1}) {
      const auto guard = tensors.put(Slots({4}, {held, 1, 1, 0}));
      const auto nodes = tensors.put(HostTensor<double>({8}, 1.0)),
                 largest = tensors.put(HostTensor<double>({1}, 2.0));
      ops.prioritized_update(nodes, largest, tensors.put(Slots({2}, {1, 3})),
                             tensors.put(Numbers({2}, {5, 7})), {.alpha = 1, .epsilon = 0.5}, guard);
      CHECK(tensors.get(nodes)[7] == doctest::Approx(held ? 1 : 7.5).epsilon(1e-14));
      CHECK(tensors.get(largest)[0] == (held ? 2 : 7.5));
      const auto sums = tensors.put(HostTensor<double>({4}, 3.0));
      const auto one = tensors.put(Numbers({1}, 2.0F)), zeros = tensors.put(Numbers({3}, 0.0F));
      ops.add_learn_stats(sums, one, one, zeros, zeros, guard);
      CHECK(tensors.get(sums)[0] == (held ? 3 : 5));
      CHECK(tensors.get(sums)[3] == (held ? 3 : 4));
    }
  });
}

TEST_CASE("the first step that went wrong is reported with the sample of the largest error, NaN before all") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for_each_replay_backend([&](ReplayOps& ops, PlacedTensors& tensors) {
    const auto report_of = [&](const Slots& guard, std::vector<float> errors) {
      const Index batch = static_cast<Index>(errors.size());
      const auto report = tensors.put(HostTensor<double>({kReportWords}, 0.0));
      Slots slots({batch});
      Numbers rewards({batch});
      for (std::size_t n = 0; n < errors.size(); ++n) {
        slots[n] = static_cast<std::int32_t>(100 + n);
        rewards[n] = static_cast<float>(n) / 2;
      }
      const auto run = [&](std::uint64_t number) {
        ops.report_step(report, tensors.put(guard), {number, 77}, tensors.put(Numbers({1}, 4.5F)),
                        tensors.put(slots), tensors.put(Numbers({batch}, errors)), tensors.put(rewards));
      };
      run(12);
      run(13);  // is not the first
      const HostTensor<double> words = tensors.get(report);
      return std::vector<double>(words.values().begin(), words.values().end());
    };
    const Slots fine({4}, {0, 5, 0, 0}), held({4}, {1, 5, 0, 0}), overflowed({4}, {0, 0, 0, 1});
    CHECK(report_of(fine, {1, nan}) == std::vector<double>(kReportWords, 0.0));
    for (const Slots& guard : {held, overflowed}) {
      CHECK(report_of(guard, {1, -9, 3}) == std::vector<double>{12, 77, 4.5, 1, 101, -9, 0.5});
      CHECK(report_of(guard, {0}) == std::vector<double>{12, 77, 4.5, 0, 100, 0, 0});
      for (const std::size_t worst : {0, 1, 31, 32, 69}) {
        std::vector<float> errors(70, 2.0F);
        errors[worst] = -inf;
        CHECK(report_of(guard, errors)[kSample] == worst);
        errors[69] = nan;
        errors[40] = nan;
        CHECK(report_of(guard, errors)[kSample] == 40);
        CHECK(std::isnan(report_of(guard, errors)[kTdError]));
      }
    }
  });
}

// ---- shapes

TEST_CASE("ops on a replay memory refuse shapes that do not fit") {
  for_each_replay_backend([](ReplayOps& ops, PlacedTensors& tensors) {
    const auto numbers = [&](const Shape& shape) { return tensors.put(Numbers(shape, 0.0F)); };
    const auto slots = [&](const Shape& shape) { return tensors.put(Slots(shape, 0)); };
    const auto doubles = [&](const Shape& shape) { return tensors.put(HostTensor<double>(shape, 1.0)); };

    CHECK(error_message([&] {
            ops.gather(numbers({3, 4}), numbers({9, 5}), slots({3}));
          }) == "gather: x has shape (3,4) but (3,5) follows from slot (3) and memory (9,5)");
    CHECK(error_message([&] {
            ops.scatter(numbers({9, 5}), numbers({2, 5}), slots({3}));
          }) == "scatter: x has shape (2,5) but (3,5) follows from slot (3) and memory (9,5)");
    CHECK(error_message([&] {
            ops.gather_bytes(numbers({3, 4}), tensors.put(Bytes({9}, std::uint8_t{0})), slots({3}));
          }) == "gather_bytes: memory has shape (9) but (S,I) is expected: 2 dimensions");
    CHECK(error_message([&] {
            ops.scatter_bytes(tensors.put(Bytes({9, 4}, std::uint8_t{0})), numbers({3, 4}), slots({3, 1}));
          }) == "scatter_bytes: slot has shape (3,1) but (B) is expected: 1 dimension");
    CHECK(error_message([&] {
            ops.gather_transitions(place_transitions(tensors, 4, 5), place_transitions(tensors, 9, 5),
                                   slots({3}));
          }) == "gather_transitions: a tensor of the batch has shape (4) but (3) follows from its size");

    CHECK(error_message([&] { ops.sum_tree_set(doubles({12}), slots({1}), doubles({1})); }) ==
          "sum_tree_set: nodes has 12 elements but twice a power of two is expected");
    CHECK(error_message([&] { ops.sum_tree_find(slots({2}), doubles({8}), doubles({3})); }) ==
          "sum_tree_find: the values has shape (3) but leaf has (2)");
    CHECK(error_message([&] {
            ops.prioritized_add(doubles({8}), doubles({2}), slots({2}), slots({2}), 0.6);
          }) == "prioritized_add: max_priority has shape (2) but (1) is expected");
    CHECK(error_message([&] { ops.prioritized_sample(slots({0}), numbers({0}), doubles({8}), {}); }) ==
          "prioritized_sample: slot has shape (0), which holds no elements");
    CHECK(error_message([&] {
            ops.prioritized_update(doubles({8}), doubles({1}), slots({2}), numbers({3}), {});
          }) == "prioritized_update: td_error has shape (3) but slot has (2)");

    CHECK(error_message([&] {
            ops.epsilon_greedy(slots({2}), numbers({3, 2}), {});
          }) == "epsilon_greedy: action has shape (2) but (3) follows from q (3,2)");
    CHECK(error_message([&] {
            ops.epsilon_greedy(slots({3}), numbers({3, 2}), {.epsilon = 1.5});
          }) == "epsilon_greedy: epsilon is 1.5 but must be from 0 to 1");
    CHECK(error_message([&] {
            ops.add_learn_stats(doubles({4}), numbers({1}), {}, numbers({3}), numbers({2}));
          }) == "add_learn_stats: td_error has shape (2) but y has (3)");
  });
}

}  // namespace
}  // namespace bellman::test
