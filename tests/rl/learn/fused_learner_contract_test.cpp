// The contract of every learner, checked on the fused one with each instruction set: the same bits, no
// allocation, no hidden NaN, the same state on disk, refusals with the numbers.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "rl/learn/fused_cpu_learner.h"
#include "tests/rl/learn/any_learner.h"
#include "tests/rl/learn/fused_rig.h"

namespace bellman::test {
namespace {

using cpu::Kernels;

constexpr float kStepSize = 1e-3F;

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
#if defined(__SSE2__)
    const unsigned mode = _mm_getcsr() & ~0x3fU;  // without the flags that say what happened
#endif
    CHECK(allocations_of_steps(rig, 64) == 0);
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

TEST_CASE("either learner continues where the other has stopped") {
  CpuBackend backend;
  const char* const network = "dense 20, relu, dense 3";
  FusedRig fused(backend, network, {5}, adam_options(32)),
      fused_again(backend, network, {5}, adam_options(32));
  PlainRig plain(backend, network, {5}, adam_options(32));
  set_transitions(32, 0, fused, plain, fused_again);
  for (int i = 0; i < 3; ++i) fused.learn(32, kStepSize);
  hand_over(fused, plain);
  CHECK(flat(plain.learner.online()) == flat(fused.learner.online()));
  CHECK(flat(plain.learner.target()) == flat(fused.learner.target()));
  CHECK(moment(plain.learner, 0) == moment(fused.learner, 0));
  CHECK(moment(plain.learner, 1) == moment(fused.learner, 1));
  CHECK(plain.learner.optimizer().steps() == 3);
  hand_over(plain, fused_again);
  fused.learn(32, kStepSize);
  fused_again.learn(32, kStepSize);
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
        const LearnStats actual_stats = fused.learn(8, kStepSize), expected_stats = plain.learn(8, kStepSize);
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
  CpuBackend backend;
  check_bytes_are_floats<FusedCpuLearner>(backend, adam_options(1));
}

TEST_CASE("a fused step on normalised observations is that on observations normalised before") {
  CpuBackend backend;
  check_normalised_step<FusedCpuLearner>(backend, adam_options(3));
}

TEST_CASE("a fused learner's target network begins as its online network") {
  CpuBackend backend;
  check_target_begins_as_online<FusedCpuLearner>(backend, adam_options(1));
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
  check_refusals(rig);
}

}  // namespace
}  // namespace bellman::test
