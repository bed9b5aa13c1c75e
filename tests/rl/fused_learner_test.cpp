// The fused learner does what the op-by-op learner does: one step within a bound that counts its roundings, a
// thousand steps within what those can grow to, and the same state on disk.
#include "rl/fused_learner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "core/cpu/cpu_backend.h"
#include "core/rng.h"
#include "rl/make_learner.h"
#include "rl/op_by_op_learner.h"
#include "tests/rl/golden_learn_steps.h"
#include "tests/rl/learner_rig.h"
#include "tests/support/allocation_count.h"
#include "tests/support/error_message.h"
#include "tests/support/learn_step_cases.h"
#include "tests/support/learn_step_magnitudes.h"

namespace bellman {
namespace {

using cpu::fused::Kernels;
using cpu::fused::usable_kernels;
using FusedRig = test::LearnerRig<FusedLearner>;
using PlainRig = test::LearnerRig<OpByOpLearner>;

/// Options of a learner with Adam.
LearnerOptions adam_options(Index max_batch) {
  LearnerOptions options = test::options_for(max_batch);
  options.optimizer = AdamOptions{};
  return options;
}

/// f(kernels) for every instruction set that this processor has.
template <class F>
void for_each_instruction_set(F f) {
  for (const Kernels* kernels : usable_kernels()) {
    const std::string name = kernels->name;
    CAPTURE(name);
    f(*kernels);
  }
}

/// The same transitions in each of `rigs`; `round` chooses them.
template <class... Rigs>
void set_transitions(Index batch, Index round, Rigs&... rigs) {
  RandomSequence random(RandomStream{7, Purpose::kTest, 0}, static_cast<std::uint64_t>(round));
  const auto all = std::tie(rigs...);
  const Network& network = std::get<0>(all).network;
  const auto inputs = static_cast<std::size_t>(network.input_shape().elements());
  const auto actions = static_cast<double>(network.output_shape()[0]);
  const auto observation = [&] {
    std::vector<float> values(inputs);
    for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
    return values;
  };
  for (std::size_t n = 0; n < static_cast<std::size_t>(batch); ++n) {
    const std::vector<float> s = observation(), s_next = observation();
    const auto action = static_cast<std::int32_t>(random.uniform(0, actions));
    const auto reward = static_cast<float>(random.uniform(-1, 1));
    const float terminated = random.uniform(0, 1) < 0.2 ? 1.0F : 0.0F;
    const auto weight = static_cast<float>(random.uniform(0.1, 1));
    (rigs.set_transition(n, s, action, reward, n % 3 == 0 ? 0.99F : 0.97F, terminated, s_next, weight), ...);
  }
}

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
      all.push_back({widths[(i * 7) % 9], test::varied_network(width, widths[(i + 3) % 9], i), batch,
                     test::varied(adam_options(batch), i)});
    }
  all.push_back({4, "dueling 2", 5, adam_options(5)});
  all.push_back({512, "dense 512, relu, dense 512, tanh, dense 6", 128, adam_options(128)});
  return all;
}

std::vector<float> moment(const auto& learner, std::size_t i) {
  const std::span<const float> all = learner.optimizer().moments()[i].values.flat().host();
  return {all.begin(), all.end()};
}
std::vector<float> flat(const Arena& arena) {
  const std::span<const float> all = arena.flat().host();
  return {all.begin(), all.end()};
}

constexpr double kUnit = 0x1p-24;
constexpr float kRate = 1e-3F;

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
  test::check_within<float, float>(moment(fused.learner, 0), m, m_bound);
  test::check_within<float, float>(moment(fused.learner, 1), v, v_bound);
  test::check_within<float, float>(flat(fused.learner.online()), online, online_bound);
}

test::LearnStepMagnitudes magnitudes_of(const PlainRig& rig, Index batch) {
  DenseChain chain;
  REQUIRE(describe_dense_chain(chain, rig.network).empty());
  const Batch first = rig.arrays.first(batch);
  return {chain, rig.learner.online().flat().host(), rig.learner.target().flat().host(), first.actions};
}

void check_case(const Case& c, const Kernels& kernels, const test::LearnStepMagnitudes& magnitudes) {
  CpuBackend backend;
  FusedRig fused(backend, c.network, {c.inputs}, c.options, kernels);
  PlainRig plain(backend, c.network, {c.inputs}, c.options);
  test::spread_parameters(plain.learner, fused.learner);
  set_transitions(c.batch, 0, fused, plain);
  const std::vector<float> before = flat(plain.learner.online());
  const LearnStats actual = fused.learn(c.batch, kRate), expected = plain.learn(c.batch, kRate);

  const double rounding = 2 * test::rounding_bound<float>(magnitudes.terms);  // of either learner
  test::check_within<float, float>(fused.td_error, plain.td_error,
                                   magnitudes.times(magnitudes.td_error, rounding));
  const std::vector<double> bound = magnitudes.times(magnitudes.gradient, rounding);
  const double clip = static_cast<double>(c.options.max_grad_norm);
  if (clip > 0)
    CHECK(std::abs(actual.gradient_norm - expected.gradient_norm) <= 1e-3 * expected.gradient_norm);
  if (clip == 0) CHECK(std::isnan(actual.gradient_norm));
  check_first_step(fused, plain, before,
                   test::clipped_bounds(bound, moment(plain.learner, 0),
                                        static_cast<double>(expected.gradient_norm), clip));
  CHECK(std::abs(actual.loss - expected.loss) <= rounding * magnitudes.loss);
  CHECK(std::abs(actual.mean_q - expected.mean_q) <= rounding * magnitudes.q);
  CHECK(fused.learner.optimizer().steps() == 1);
}

TEST_CASE("five fused learn steps agree with PyTorch in float64") {
  const test::Golden golden("golden_dqn");
  for_each_instruction_set([&](const Kernels& kernels) {
    CpuBackend backend;
    for (const std::string& name : golden.keys("")) {
      CAPTURE(name);
      test::check_golden_case<FusedLearner>(backend, golden, name, kernels);
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
    test::spread_parameters(plain.learner, fused.learner);
    set_transitions(c.batch, 0, fused, plain);
    const test::LearnStepMagnitudes magnitudes = magnitudes_of(plain, c.batch);
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
    test::spread_parameters(plain.learner, fused.learner);
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
    CHECK(furthest <= kSteps * kSmallRate * test::rounding_bound<float>(terms));
  });
}

TEST_CASE("the fused learner gives the same bits again, and after larger batches") {
  for_each_instruction_set([&](const Kernels& kernels) {
    std::vector<std::vector<float>> results;
    for (const bool larger_first : {false, false, true}) {
      CpuBackend backend;
      FusedRig rig(backend, "dense 33, relu, dueling 3 hidden 5", {7}, adam_options(90), kernels);
      set_transitions(90, 1, rig);
      if (larger_first) {
        std::vector<float> before(static_cast<std::size_t>(rig.network.layout().size()));
        rig.learner.get_parameters(before);
        rig.learn(90, 0.0F);
        CHECK(flat(rig.learner.online()) == before);
      }
      set_transitions(5, 2, rig);
      rig.learn(5, 0.0F);
      results.push_back(flat(rig.learner.gradients()));
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
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
            observations[i] = test::golden_number(static_cast<Index>(i), n, 32);
          std::vector<float> actual(static_cast<std::size_t>(n * fused.network.output_shape()[0]));
          std::vector<float> expected = actual;
          fused.learner.q_values(actual, observations, n);
          plain.learner.q_values(expected, observations, n);
          test::check_close<float, float>(actual, expected, 2e-6);
        }
      }
  });
}

TEST_CASE(
    "a fused learn step, acting and a target update allocate nothing and restore the floating-point mode") {
  RunningNormalizer normalizer(2);
  LearnerOptions options = adam_options(64);
  options.double_dqn = true;
  options.max_grad_norm = 1;
  options.normalizer = &normalizer;
  for_each_instruction_set([&](const Kernels& kernels) {
    CpuBackend backend;
    FusedRig rig(backend, "dense 64, relu, dueling 2 hidden 3", {2}, options, kernels);
    set_transitions(64, 0, rig);
    std::vector<float> q(128), td_error(64), observation = {1, 2};
    const std::vector<float> observations(128, 0.5F);
    const Batch batch = rig.arrays.first(64);
#if defined(__SSE2__)
    const unsigned mode = _mm_getcsr() & ~0x3fU;  // without the flags that say what happened
#endif
    const std::size_t before = test::allocations();
    for (int i = 0; i < 10; ++i) {
      rig.learner.store(i % 8, observation);
      rig.learner.q_values(q, observations, 64);
      rig.learner.learn(batch, 0.1F, td_error);
      rig.learner.update_target(0.5F);
    }
    CHECK(test::allocations() == before);
#if defined(__SSE2__)
    CHECK((_mm_getcsr() & ~0x3fU) == mode);
#endif
  });
}

/// The state of one learner, taken over by another.
template <class From, class To>
void hand_over(const From& from, To& to) {
  TensorFile file;
  StateWriter out(file);
  from.learner.save(out);
  to.learner.load(StateReader(file, "memory"));
}

TEST_CASE("either learner goes on where the other has stopped") {
  CpuBackend backend;
  const char* const network = "dense 20, relu, dense 3";
  FusedRig fused(backend, network, {5}, adam_options(32)),
      fused_again(backend, network, {5}, adam_options(32));
  PlainRig plain(backend, network, {5}, adam_options(32));
  set_transitions(32, 0, fused, plain, fused_again);
  for (int i = 0; i < 3; ++i) fused.learn(32, kRate);
  hand_over(fused, plain);
  CHECK(flat(plain.learner.online()) == flat(fused.learner.online()));
  CHECK(flat(plain.learner.target()) == flat(fused.learner.target()));
  CHECK(moment(plain.learner, 0) == moment(fused.learner, 0));
  CHECK(moment(plain.learner, 1) == moment(fused.learner, 1));
  CHECK(plain.learner.optimizer().steps() == 3);
  hand_over(plain, fused_again);
  fused.learn(32, kRate);
  fused_again.learn(32, kRate);
  CHECK(flat(fused_again.learner.online()) == flat(fused.learner.online()));  // the same bits
}

TEST_CASE("the fused learner hides no NaN") {
  for_each_instruction_set([&](const Kernels& kernels) {
    for (const char* network : {"dense 9, relu, dense 2", "dense 9, tanh, dense 2"}) {
      CpuBackend backend;
      FusedRig fused(backend, network, {3}, adam_options(8), kernels);
      PlainRig plain(backend, network, {3}, adam_options(8));
      set_transitions(8, 0, fused, plain);
      std::vector<float> parameters(static_cast<std::size_t>(plain.network.layout().size()));
      plain.learner.get_parameters(parameters);
      for (const std::size_t at : {std::size_t{0}, parameters.size() - 16}) {  // a first weight, a last bias
        std::vector<float> spoilt = parameters;
        spoilt[at] = std::numeric_limits<float>::quiet_NaN();
        fused.learner.set_parameters(spoilt);
        plain.learner.set_parameters(spoilt);
        const LearnStats actual_stats = fused.learn(8, kRate), expected_stats = plain.learn(8, kRate);
        CHECK(std::isnan(actual_stats.loss) == std::isnan(expected_stats.loss));
        CHECK(actual_stats.non_finite != NonFinite::kNothing);
        CHECK(actual_stats.non_finite == expected_stats.non_finite);
        CHECK(actual_stats.where == expected_stats.where);
        CHECK(fused.learner.optimizer().steps() == plain.learner.optimizer().steps());
        const std::vector<float> actual = flat(fused.learner.gradients()),
                                 expected = flat(plain.learner.gradients());
        for (std::size_t i = 0; i < actual.size(); ++i)
          CHECK(std::isnan(actual[i]) == std::isnan(expected[i]));
      }
    }
  });
}

TEST_CASE("a step that leaves a parameter that is not finite says so, fused as op by op") {
  for_each_instruction_set([&](const Kernels& kernels) {
    CpuBackend backend;
    FusedRig fused(backend, "dense 2", {1}, adam_options(1), kernels);
    PlainRig plain(backend, "dense 2", {1}, adam_options(1));
    const std::vector<float> parameters = {0, 0, 3e38F, 0};
    fused.set_both(parameters, parameters);
    plain.set_both(parameters, parameters);
    fused.set_transition(0, {1}, 1, 5, 1, 1, {1});
    plain.set_transition(0, {1}, 1, 5, 1, 1, {1});
    const LearnStats actual = fused.learn(1, 3e38F), expected = plain.learn(1, 3e38F);
    CHECK(actual.non_finite == expected.non_finite);
    CHECK(actual.where == expected.where);
    CHECK(fused.learner.optimizer().steps() == plain.learner.optimizer().steps());
  });
}

TEST_CASE("observations stored as bytes give the same fused step") {
  std::vector<std::vector<float>> results;
  for (const ObservationType type : {ObservationType::kFloat32, ObservationType::kUint8}) {
    LearnerOptions options = adam_options(1);
    options.observation_type = type;
    CpuBackend backend;
    FusedRig rig(backend, "dense 3, relu, dense 2", {2}, options);
    rig.set_transition(0, {255, 3}, 1, 1, 1, 0, {0, 17});
    rig.learn(1, 1e-3F);
    results.push_back(flat(rig.learner.online()));
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("auto is the fused learner where it can be had; asked for and not to be had, it says why") {
  CpuBackend cpu;
  ReferenceBackend<float> reference;
  const LearnerOptions adam = adam_options(1), sgd = test::options_for(1);
  const Network known("dense 64, relu, dense 2", {4}), wide("dense 513, relu, dense 2", {4});
  const Network leaky("dense 8, leaky_relu, dense 2", {4}),
      pictures("conv 2 3x3, relu, flatten, dense 2", {1, 5, 5});
  const auto choose = [](LearnerKind asked, const Backend& backend, const Network& network,
                         const LearnerOptions& options) {
    return chosen_learner(asked, backend, network, options);
  };
  CHECK(choose(LearnerKind::kAuto, cpu, known, adam) == LearnerKind::kFused);
  CHECK(choose(LearnerKind::kOpByOp, cpu, known, adam) == LearnerKind::kOpByOp);
  CHECK(choose(LearnerKind::kAuto, reference, known, adam) == LearnerKind::kOpByOp);
  CHECK(choose(LearnerKind::kAuto, cpu, Network("flatten, dense 8, tanh, dueling 3 hidden 4", {2, 3, 3}),
               adam) == LearnerKind::kFused);
  for (const Network* network : {&wide, &leaky, &pictures})
    CHECK(choose(LearnerKind::kAuto, cpu, *network, adam) == LearnerKind::kOpByOp);

  const auto message = [&](const Backend& backend, const Network& network, const LearnerOptions& options) {
    return test::error_message([&] { choose(LearnerKind::kFused, backend, network, options); });
  };
  CHECK(message(reference, known, adam) ==
        "learner is fused, which cannot train this: it runs on the device cpu, not on reference");
  CHECK(message(cpu, known, sgd) ==
        "learner is fused, which cannot train this: its optimizers are adam and adamw");
  CHECK(message(cpu, wide, adam).ends_with("but layer 1 is `dense 513`, wider than 512"));
  CHECK(message(cpu, leaky, adam).ends_with("but layer 2 is `leaky_relu`"));
  CHECK(message(cpu, pictures, adam).ends_with("but layer 1 is `conv 2 3x3`"));
  CHECK(message(cpu, Network("relu, dense 2", {4}), adam).ends_with("but layer 1 is `relu`"));
  CHECK(message(cpu, Network("dense 2, relu", {4}), adam).ends_with("but layer 2 is `relu`"));
  CHECK(message(cpu, Network("dense 4, relu, tanh, dense 2", {4}), adam).ends_with("but layer 3 is `tanh`"));
  CHECK_THROWS_AS(FusedLearner(cpu, leaky, adam), Error);
}

TEST_CASE("what does not fit the fused learner is refused with the numbers") {
  CpuBackend backend;
  FusedRig rig(backend, "dense 2", {1}, adam_options(2));
  rig.set_transition(0, {0}, 2, 5, 0.5F, 0, {0});
  CHECK_THROWS_WITH_AS(rig.learn(1, 0), "action[0] is 2, must be from 0 to 1", Error);
  rig.arrays.actions[0] = -1;
  CHECK_THROWS_AS(rig.learn(1, 0), Error);
  rig.arrays.actions[0] = 1;
  CHECK_THROWS_AS(rig.learn(1, -1), Error);
  std::vector<float> two(2), three(3);
  CHECK_THROWS_WITH_AS(rig.learner.q_values(two, three, 3), "q_values of 3 observations, must be 1 to 2",
                       Error);
  CHECK_THROWS_AS(rig.learner.q_values(three, two, 2), Error);
  CHECK_THROWS_AS(rig.learner.learn(rig.arrays.first(0), 0.1F, {}), Error);
  CHECK_THROWS_AS(rig.learner.learn(rig.arrays.first(2), 0.1F, std::span(three)), Error);
  CHECK_THROWS_AS(rig.learner.get_parameters(two), Error);
  CHECK_THROWS_AS(rig.learner.set_parameters(two), Error);
}

}  // namespace
}  // namespace bellman
