// A learner with the means to put chosen numbers in and to look at what comes out; and the learn steps that
// PyTorch made in float64 (scripts/golden/dqn.py).
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/batch_arrays.h"
#include "rl/learner_options.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/transfer.h"

namespace bellman::test {

template <class AnyLearner>
struct LearnerBench {
  LearnerBench(const std::string& text, const Shape& input, const LearnerOptions& options)
      : LearnerBench(reference, text, input, options) {}
  /// `more`: what the learner's constructor takes beside.
  template <class... More>
  LearnerBench(Backend& b, const std::string& text, const Shape& input, const LearnerOptions& options,
               const More&... more)
      : backend(b), network(text, input), arrays(options.max_batch), learner(b, network, options, more...) {}

  /// The tensors' numbers one after the other, without the arena's gaps.
  void set_online(const std::vector<float>& values) {
    std::vector<float> flat(static_cast<std::size_t>(network.layout().size()));
    std::size_t next = 0;
    for (const ArenaLayout::Entry& entry : network.layout().entries())
      for (Index i = 0; i < entry.shape.elements(); ++i)
        flat[static_cast<std::size_t>(entry.offset + i)] = values.at(next++);
    REQUIRE(next == values.size());
    learner.set_parameters(flat);
  }
  void set_both(const std::vector<float>& online, const std::vector<float>& target) {
    set_online(target);
    learner.update_target(1.0F);
    set_online(online);
  }
  std::vector<float> numbers_of(const Arena& arena) const {
    std::vector<float> values;
    for (std::size_t i = 0; i < arena.layout().entries().size(); ++i) {
      const std::vector<float> tensor = fetch(backend, arena[i]);
      values.insert(values.end(), tensor.begin(), tensor.end());
    }
    return values;
  }
  std::vector<float> online() const { return numbers_of(learner.online()); }
  std::vector<float> target() const { return numbers_of(learner.target()); }

  /// Transition n goes from slot 2n to slot 2n + 1.
  void set_transition(std::size_t n, std::vector<float> s, std::int32_t action, float reward, float discount,
                      float terminated, std::vector<float> s_next, float weight = 1.0F) {
    arrays.slots[n] = static_cast<Index>(2 * n);
    arrays.next_slots[n] = static_cast<Index>(2 * n + 1);
    learner.store(arrays.slots[n], s);
    learner.store(arrays.next_slots[n], s_next);
    arrays.actions[n] = action;
    arrays.rewards[n] = reward;
    arrays.discounts[n] = discount;
    arrays.terminated[n] = terminated;
    arrays.weights[n] = weight;
  }
  LearnStats learn(Index b, float learning_rate) {
    td_error.resize(static_cast<std::size_t>(b));
    return learner.learn(arrays.first(b), learning_rate, td_error);
  }

  ReferenceBackend<float> reference;
  Backend& backend;
  Network network;
  BatchArrays arrays;
  AnyLearner learner;
  std::vector<float> td_error;
};

inline LearnerOptions options_for(Index max_batch) {
  LearnerOptions options;
  options.slots = 2 * max_batch;
  options.max_batch = max_batch;
  options.max_acting_batch = max_batch;
  options.optimizer = SgdOptions{};
  return options;
}

// The formula of scripts/golden/dqn.py.
inline float golden_number(Index i, Index k, float denominator) {
  return static_cast<float>((i * 37 + k * 61 + 11) % 101 - 50) / denominator;
}

inline constexpr Index kGoldenBatch = 8, kGoldenInputs = 4, kGoldenActions = 3, kGoldenSteps = 5;

inline std::vector<float> golden_parameters(const Network& network, Index sequence) {
  std::vector<float> values;
  for (const ArenaLayout::Entry& entry : network.layout().entries()) {
    for (Index i = 0; i < entry.shape.elements(); ++i) values.push_back(golden_number(i, sequence, 128));
    ++sequence;
  }
  return values;
}

template <class AnyLearner>
void set_golden_batch(LearnerBench<AnyLearner>& bench, Index step, bool weighted) {
  const auto observation = [step](Index row) {
    std::vector<float> values;
    for (Index i = 0; i < kGoldenInputs; ++i)
      values.push_back(golden_number(row * kGoldenInputs + i, 100 + step, 32));
    return values;
  };
  for (Index n = 0; n < kGoldenBatch; ++n)
    bench.set_transition(
        static_cast<std::size_t>(n), observation(n),
        static_cast<std::int32_t>((7 * n + step) % kGoldenActions), golden_number(n, 200 + step, 16),
        1.0F - static_cast<float>(1 + (n + step) % 3) / 64.0F, (n + step) % 5 == 2 ? 1.0F : 0.0F,
        observation(kGoldenBatch + n), weighted ? static_cast<float>(1 + (3 * n + step) % 8) / 8.0F : 1.0F);
}

inline LearnerOptions golden_options(const Golden& golden, const std::string& name) {
  LearnerOptions options = options_for(kGoldenBatch);
  options.double_dqn = golden.number(name + ".double") != 0;
  options.target_network = golden.number(name + ".target_network") != 0;
  const double huber = golden.number(name + ".huber");
  if (huber > 0) {
    options.loss = LossKind::kHuber;
    options.huber_delta = static_cast<float>(huber);
  }
  options.max_grad_norm = static_cast<float>(golden.number(name + ".max_grad_norm"));
  options.optimizer = AdamOptions{.epsilon = 1e-6};
  return options;
}

// float32 against PyTorch's float64. A step of Adam is learning_rate g/|g| at first: a relative error in g is
// one in the step, 0.01, and five steps add up.
inline constexpr double kGoldenBound = 5e-6;

template <class AnyLearner, class... More>
void check_golden_case(Backend& backend, const Golden& golden, const std::string& name, const More&... more) {
  const std::string head = golden.number(name + ".dueling") != 0 ? "dueling 3" : "dense 3";
  LearnerBench<AnyLearner> bench(backend, "dense 6, relu, dense 6, tanh, " + head, {kGoldenInputs},
                                 golden_options(golden, name), more...);
  bench.set_both(golden_parameters(bench.network, 0), golden_parameters(bench.network, 40));

  std::vector<double> loss, mean_q, norm, td_error;
  for (Index step = 0; step < kGoldenSteps; ++step) {
    set_golden_batch(bench, step, golden.number(name + ".weighted") != 0);
    const LearnStats stats = bench.learn(kGoldenBatch, 0.01F);
    loss.push_back(stats.loss);
    mean_q.push_back(stats.mean_q);
    norm.push_back(std::isnan(stats.gradient_norm) ? 0 : stats.gradient_norm);
    td_error.insert(td_error.end(), bench.td_error.begin(), bench.td_error.end());
    if (step == 2) bench.learner.update_target(static_cast<float>(golden.number(name + ".tau")));
  }
  const auto expected = [&](const char* what) { return golden[name + what].span(); };
  check_close<double, double>(loss, expected(".loss"), kGoldenBound);
  check_close<double, double>(mean_q, expected(".mean_q"), kGoldenBound);
  check_close<double, double>(norm, expected(".gradient_norm"), kGoldenBound);
  check_close<double, double>(td_error, expected(".td_error"), kGoldenBound);
  check_close<float, double>(bench.online(), expected(".online"), kGoldenBound);
  if (golden.number(name + ".target_network") != 0)
    check_close<float, double>(bench.target(), expected(".target"), kGoldenBound);
}

}  // namespace bellman::test
