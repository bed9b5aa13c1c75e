// The fused learner beside the op-by-op learner: one step within a bound that counts its roundings, a
// thousand steps within what these can grow to.
#include "rl/learn/fused_cpu_learner.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/learn/fused_rig.h"
#include "tests/rl/learn/golden_learn_steps.h"
#include "tests/support/compare.h"
#include "tests/support/training/learn_step_cases.h"
#include "tests/support/training/learn_step_magnitudes.h"

namespace bellman::test {
namespace {

using cpu::Kernels;

struct Case {
  Index inputs;
  std::string network;
  Index batch;
  LearnerOptions options;
};

/// Every width with every batch, and with them in turn what else there is.
std::vector<Case> cases() {
  const Index widths[] = {1, 3, 31, 32, 33, 64, 65, 84, 120, 512};
  const Index batches[] = {1, 3, 31, 32, 33, 64, 128};
  std::vector<Case> all;
  for (const Index width : widths)
    for (const Index batch : batches) {
      const std::size_t i = all.size();
      all.push_back({widths[(i * 7) % 9], varied_network(width, widths[(i + 3) % 9], i), batch,
                     varied(adam_options(batch), i)});
    }
  all.push_back({4, "dueling 2", 5, adam_options(5)});
  all.push_back({512, "dense 512, relu, dense 512, tanh, dense 6", 128, adam_options(128)});
  return all;
}

constexpr double kUnit = 0x1p-24;
constexpr float kRate = 1e-3F;
constexpr double kApart = 1e-3;  // of a tensor's gradient: a thousandth, where roundings make some 1e-6

/// Moments and parameters after a first step, given how far the gradients may be apart.
void check_first_step(const FusedRig& fused, const PlainRig& plain, const std::vector<float>& before,
                      const std::vector<double>& bound) {
  const std::vector<float> m = moment(plain.learner, 0), v = moment(plain.learner, 1);
  const std::vector<float> online = flat(plain.learner.online());
  std::vector<double> m_bound, v_bound, online_bound;
  for (std::size_t i = 0; i < m.size(); ++i) {
    const double g = std::abs(m[i]) / 0.1, off = bound[i] + 4 * kUnit * g;
    m_bound.push_back(0.1 * off + 4 * kUnit * std::abs(m[i]));
    v_bound.push_back(0.001 * (2 * g + off) * off + 8 * kUnit * v[i]);
    // The step is rate g / (|g| + epsilon): at most the rate, and no steeper in g than rate / epsilon or
    // 2/|g|.
    const double relative = std::min({2.0, 2 * off / std::max(g, 1e-30), off / 1e-6});
    online_bound.push_back(kRate * (relative + 16 * kUnit) + 4 * kUnit * std::abs(before[i]));
  }
  const std::vector<float> fused_m = moment(fused.learner, 0);
  check_within<float, float>(fused_m, m, m_bound);
  for (const ArenaLayout::Entry& entry : plain.network.layout().entries()) {
    CAPTURE(entry.name);
    const auto tensor = [&entry](const std::vector<float>& flat) {
      return std::span(flat).subspan(static_cast<std::size_t>(entry.offset),
                                     static_cast<std::size_t>(entry.shape.elements()));
    };
    check_length_apart<float, float>(tensor(fused_m), tensor(m), kApart);
  }
  check_within<float, float>(moment(fused.learner, 1), v, v_bound);
  check_within<float, float>(flat(fused.learner.online()), online, online_bound);
}

LearnStepMagnitudes magnitudes_of(const PlainRig& rig, Index batch) {
  DenseChain chain;
  REQUIRE(describe_dense_chain(chain, rig.network).empty());
  const Batch first = rig.batch(batch);
  return {chain, rig.learner.online().flat().host(), rig.learner.target().flat().host(), first.actions};
}

void check_case(const Case& c, const Kernels& kernels, const LearnStepMagnitudes& magnitudes) {
  CpuBackend backend;
  FusedRig fused(backend, c.network, {c.inputs}, c.options, kernels);
  PlainRig plain(backend, c.network, {c.inputs}, c.options);
  spread_parameters(plain.learner, fused.learner);
  set_transitions(c.batch, 0, fused, plain);
  const std::vector<float> before = flat(plain.learner.online());
  const LearnStats actual = fused.learn(c.batch, kRate), expected = plain.learn(c.batch, kRate);

  const double rounding = 2 * rounding_bound<float>(magnitudes.terms);  // of either learner
  check_within<float, float>(fused.td_error, plain.td_error, magnitudes.times(magnitudes.td_error, rounding));
  const std::vector<double> bound = magnitudes.times(magnitudes.gradient, rounding);
  const double clip = static_cast<double>(c.options.max_grad_norm);
  if (clip > 0)
    CHECK(std::abs(actual.gradient_norm - expected.gradient_norm) <= 1e-3 * expected.gradient_norm);
  if (clip == 0) CHECK(std::isnan(actual.gradient_norm));
  check_first_step(
      fused, plain, before,
      clipped_bounds(bound, moment(plain.learner, 0), static_cast<double>(expected.gradient_norm), clip));
  CHECK(std::abs(actual.loss - expected.loss) <= rounding * magnitudes.loss);
  CHECK(std::abs(actual.mean_q - expected.mean_q) <= rounding * magnitudes.q);
  CHECK(fused.learner.optimizer().steps() == 1);
}

TEST_CASE("five fused learn steps agree with PyTorch in float64") {
  const Golden golden("golden_dqn");
  for_each_instruction_set([&](const Kernels& kernels) {
    CpuBackend backend;
    for (const std::string& name : golden.keys("")) {
      CAPTURE(name);
      check_golden_case<FusedCpuLearner>(backend, golden, name, kernels);
    }
  });
}

TEST_CASE("one fused learn step is the op-by-op step, within its roundings") {
  for (const Case& c : cases()) {
    CAPTURE(c.network);
    CAPTURE(c.inputs);
    CAPTURE(c.batch);
    CpuBackend backend;
    PlainRig plain(backend, c.network, {c.inputs}, c.options);
    FusedRig fused(backend, c.network, {c.inputs}, c.options);
    spread_parameters(plain.learner, fused.learner);
    set_transitions(c.batch, 0, fused, plain);
    const LearnStepMagnitudes magnitudes = magnitudes_of(plain, c.batch);
    for_each_instruction_set([&](const Kernels& kernels) { check_case(c, kernels, magnitudes); });
  }
}

// A step of Adam moves a parameter by about the rate, and is off by gamma(terms) of it, as the gradient is
// (some two hundred roundings: 3e-5). A thousand steps may add that up.
TEST_CASE("a thousand steps on the same batches stay together") {
  constexpr int kSteps = 1000;
  const char* const network = "dense 32, relu, dense 32, tanh, dueling 2";
  for_each_instruction_set([&](const Kernels& kernels) {
    LearnerOptions options = adam_options(32);
    options.double_dqn = true;
    options.max_grad_norm = 1;
    CpuBackend backend;
    FusedRig fused(backend, network, {4}, options, kernels);
    PlainRig plain(backend, network, {4}, options);
    spread_parameters(plain.learner, fused.learner);
    const std::vector<float> start = flat(plain.learner.online());
    double furthest = 0, moved = 0;
    constexpr float kSmallRate = 1e-3F;
    for (int step = 0; step < kSteps; ++step) {
      set_transitions(32, step % 50, fused, plain);
      fused.learn(32, kSmallRate);
      plain.learn(32, kSmallRate);
      if (step % 100 == 99) {
        fused.learner.update_target(0.5F);
        plain.learner.update_target(0.5F);
      }
    }
    const std::vector<float> actual = flat(fused.learner.online()), expected = flat(plain.learner.online());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      furthest = std::max(furthest, std::abs(static_cast<double>(actual[i]) - expected[i]));
      moved = std::max(moved, std::abs(static_cast<double>(start[i]) - expected[i]));
    }
    const double terms = 2 * (4 + 32 + 32) + 2 + 32 + 32 + 32;
    MESSAGE(std::string(kernels.name), ": parameters are at most ", furthest, " apart and moved by up to ",
            moved);
    CHECK(furthest <= kSteps * kSmallRate * rounding_bound<float>(terms));
  });
}

TEST_CASE("fused Q-values are the op-by-op learner's, for one observation and many") {
  for_each_instruction_set([&](const Kernels& kernels) {
    for (const char* network : {"dense 2", "dense 65, tanh, dense 3, relu, dense 17",
                                "dense 40, relu, dueling 3", "dense 8, relu, dueling 3 hidden 33"})
      for (const Index inputs : {1, 4, 16, 37}) {
        CpuBackend backend;
        FusedRig fused(backend, network, {inputs}, adam_options(70), kernels);
        PlainRig plain(backend, network, {inputs}, adam_options(70));
        for (const Index n : {1, 2, 5, 6, 17, 33, 70}) {
          std::vector<float> observations(static_cast<std::size_t>(n * inputs));
          for (std::size_t i = 0; i < observations.size(); ++i)
            observations[i] = golden_number(static_cast<Index>(i), n, 32);
          std::vector<float> actual(static_cast<std::size_t>(n * fused.network.output_shape()[0]));
          std::vector<float> expected = actual;
          fused.learner.q_values(actual, observations, n);
          plain.learner.q_values(expected, observations, n);
          check_close<float, float>(actual, expected, 2e-6);
        }
      }
  });
}

}  // namespace
}  // namespace bellman::test
