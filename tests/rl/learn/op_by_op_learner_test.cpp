#include "rl/learn/op_by_op_learner.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "tests/rl/learn/any_learner.h"
#include "tests/rl/learn/golden_learn_steps.h"
#include "tests/rl/learn/learner_rig.h"
#include "tests/support/backends.h"
#include "tests/support/golden.h"

namespace bellman {
namespace {

using test::Golden;

using Rig = test::LearnerRig<OpByOpLearner>;
using test::options_for;

// Q(s) = w s + b with one input and two actions: numbers that can be checked by hand.
constexpr const char* kLinear = "dense 2";

TEST_CASE("five learn steps agree with PyTorch in float64") {
  const Golden golden("golden_dqn");
  test::for_each_backend(test::float_backends(), [&](Backend& backend) {
    for (const std::string& name : golden.keys("")) {
      CAPTURE(name);
      test::check_golden_case<OpByOpLearner>(backend, golden, name);
    }
  });
}

TEST_CASE("DQN: the target network both chooses and judges the next action") {
  Rig rig(kLinear, {1}, options_for(1));
  rig.set_both({0, 0, 1, 2}, {0, 0, 30, 20});  // Q(s') online (1, 2), target (30, 20)
  rig.set_transition(0, {0}, 0, 5, 0.5F, 0, {0});
  rig.learn(1, 0);
  CHECK(rig.td_error[0] == 5 + 0.5F * 30 - 1);
}

TEST_CASE("Double DQN: arg max by the online network, value by the target network") {
  LearnerOptions options = options_for(1);
  options.double_dqn = true;
  Rig rig(kLinear, {1}, options);
  rig.set_both({0, 0, 1, 2}, {0, 0, 30, 20});
  rig.set_transition(0, {0}, 0, 5, 0.5F, 0, {0});
  rig.learn(1, 0);
  CHECK(rig.td_error[0] == 5 + 0.5F * 20 - 1);
}

TEST_CASE("Munchausen DQN: the reward grows by a share of the target network's clipped log-policy in s") {
  LearnerOptions options = options_for(2);
  options.munchausen = true;
  Rig rig(kLinear, {1}, options);
  rig.set_both({0, 0, 1, 2}, {0, 0, 30, 29.98F});  // Q online (1, 2), target (30, 29.98), in s and in s'
  rig.set_transition(0, {0}, 0, 5, 0.5F, 0, {0});
  rig.set_transition(1, {0}, 1, 5, 0.5F, 1, {0});
  rig.learn(2, 0);
  const double soft = 30 + 0.03 * std::log(1 + std::exp(-0.02 / 0.03));
  CHECK(rig.td_error[0] == doctest::Approx(5 + 0.9 * (30 - soft) + 0.5 * soft - 1).epsilon(1e-5));
  CHECK(rig.td_error[1] == doctest::Approx(5 + 0.9 * (29.98 - soft) - 2).epsilon(1e-5));
  rig.set_both({0, 0, 1, 2}, {0, 0, 30, 20});  // tau log pi of the second action is -10, and counts as -1
  rig.learn(2, 0);
  CHECK(rig.td_error[1] == doctest::Approx(5 - 0.9 - 2).epsilon(1e-5));
}

TEST_CASE("without a target network the online network judges, Double or not") {
  for (const bool double_dqn : {false, true}) {
    LearnerOptions options = options_for(1);
    options.target_network = false;
    options.double_dqn = double_dqn;
    Rig rig(kLinear, {1}, options);
    rig.set_both({0, 0, 1, 2}, {0, 0, 30, 20});
    rig.set_transition(0, {0}, 0, 5, 0.5F, 0, {0});
    rig.learn(1, 0);
    CHECK(rig.td_error[0] == 5 + 0.5F * 2 - 1);
  }
}

TEST_CASE("only terminated stops bootstrapping") {
  Rig rig(kLinear, {1}, options_for(2));
  rig.set_both({0, 0, 1, 2}, {0, 0, 30, 20});
  rig.set_transition(0, {0}, 0, 5, 0.5F, 1, {0});
  rig.set_transition(1, {0}, 0, 5, 0.5F, 0, {0});
  rig.learn(2, 0);
  CHECK(rig.td_error[0] == 5 - 1);
  CHECK(rig.td_error[1] == 5 + 0.5F * 30 - 1);
}

TEST_CASE("an n-step return bootstraps with the batch's own discount") {
  Rig rig(kLinear, {1}, options_for(2));
  rig.set_both({0, 0, 0, 0}, {0, 0, 8, 0});
  rig.set_transition(0, {0}, 0, 1, 0.5F, 0, {0});
  rig.set_transition(1, {0}, 0, 1, 0.125F, 0, {0});
  rig.learn(2, 0);
  CHECK(rig.td_error[0] == 1 + 4);
  CHECK(rig.td_error[1] == 1 + 1);
}

TEST_CASE("the TD error is of Q(s,a), not of Q(s',a)") {
  Rig rig(kLinear, {1}, options_for(1));
  rig.set_both({10, 100, 0, 0}, {0, 0, 0, 0});  // Q(s, 1) = 100 s
  rig.set_transition(0, {3}, 1, 7, 1, 0, {5});
  const LearnStats stats = rig.learn(1, 0);
  CHECK(rig.td_error[0] == 7 - 300);
  CHECK(stats.mean_q == 300);
}

TEST_CASE("the loss is the mean over the batch, not the sum") {
  Rig rig(kLinear, {1}, options_for(4));
  rig.set_both({0, 0, 0, 0}, {0, 0, 0, 0});
  for (std::size_t n = 0; n < 4; ++n) rig.set_transition(n, {1}, 0, 3, 1, 1, {0});
  CHECK(rig.learn(1, 0).loss == 9);
  CHECK(rig.learn(4, 0).loss == 9);
}

TEST_CASE("importance weights multiply each sample's loss before backward") {
  Rig rig(kLinear, {1}, options_for(2));
  rig.set_both({0, 0, 0, 0}, {0, 0, 0, 0});
  rig.set_transition(0, {1}, 0, 3, 1, 1, {0}, 0.5F);
  rig.set_transition(1, {1}, 1, 8, 1, 1, {0}, 0.0F);
  // dL/dw_0 = 1/2 * 0.5 * 2 (q - y) = -1.5; the second sample has no weight and so no gradient.
  CHECK(rig.learn(2, 1.0F).loss == 0.5F * 0.5F * 9);
  CHECK(rig.online() == std::vector<float>{1.5F, 0, 1.5F, 0});
}

TEST_CASE("no gradient flows through the TD target") {
  LearnerOptions options = options_for(1);
  options.target_network = false;
  Rig rig(kLinear, {1}, options);
  rig.set_online({0, 0, 0, 1});
  rig.set_transition(0, {0}, 0, 0, 1, 0, {5});  // y = Q(s', 1) = 1; only Q(s, 0) may move
  rig.learn(1, 0.25F);
  CHECK(rig.online() == std::vector<float>{0, 0, 0.5F, 1});
}

TEST_CASE("clipping is by the global norm, not element by element") {
  LearnerOptions options = options_for(1);
  options.max_grad_norm = 1;
  Rig rig(kLinear, {1}, options);
  rig.set_both({0, 0, 0, 0}, {0, 0, 0, 0});
  rig.set_transition(0, {0.75F}, 0, 20, 1, 1, {0});
  // g = -40 (0.75, 1) has norm 50 and becomes -(0.6, 0.8): the direction stays.
  const LearnStats stats = rig.learn(1, 1.0F);
  CHECK(stats.gradient_norm == doctest::Approx(50));
  CHECK(rig.online()[0] == doctest::Approx(0.6));
  CHECK(rig.online()[2] == doctest::Approx(0.8));
}

TEST_CASE("Adam counts one step a learn step, not one a tensor") {
  LearnerOptions options = options_for(1);
  options.optimizer = AdamOptions{};
  Rig rig("dense 3, dense 2", {1}, options);
  rig.set_both({1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0}, std::vector<float>(14, 0.0F));
  rig.set_transition(0, {1}, 0, 10, 1, 1, {0});
  const std::vector<float> before = rig.online();
  rig.learn(1, 0.01F);
  CHECK(rig.learner.optimizer().steps() == 1);
  const std::vector<float> after = rig.online();
  // With the bias correction of step 1 every parameter that has a gradient moves by the learning rate.
  for (const std::size_t i : {0, 1, 2, 3, 4, 5, 6, 7, 8, 12})
    CHECK(std::abs(after[i] - before[i]) == doctest::Approx(0.01).epsilon(1e-4));
  rig.learn(1, 0.01F);
  CHECK(rig.learner.optimizer().steps() == 2);
}

TEST_CASE("learning moves the online network only; update_target moves the target by tau") {
  Rig rig(kLinear, {1}, options_for(1));
  rig.set_both({0, 0, 0, 0}, {4, 4, 4, 4});
  rig.set_transition(0, {1}, 0, 3, 1, 1, {0});
  rig.learn(1, 0.5F);
  CHECK(rig.online() == std::vector<float>{3, 0, 3, 0});
  CHECK(rig.target() == std::vector<float>{4, 4, 4, 4});
  rig.learner.update_target(0.25F);
  CHECK(rig.target() == std::vector<float>{3.75F, 3, 3.75F, 3});
  rig.learner.update_target(1.0F);
  CHECK(rig.target() == rig.online());
}

TEST_CASE("observations are stored raw and normalised with the present statistics, for learning and acting") {
  RunningNormalizer normalizer(1);
  LearnerOptions options = options_for(1);
  options.normalizer = &normalizer;
  Rig rig(kLinear, {1}, options);
  rig.set_both({1, 1, 0, 0}, {1, 1, 0, 0});  // Q = what the network sees
  rig.set_transition(0, {6}, 0, 0, 1, 0, {2});
  const double mean = 4, variance = 4;  // known after the observations were stored
  normalizer.set_state({1, {&mean, 1}, {&variance, 1}});
  rig.learn(1, 0);
  CHECK(rig.td_error[0] == doctest::Approx(-1 - 1));  // (2 - 4)/2 - (6 - 4)/2
  std::vector<float> q(2);
  const float observation = 10;
  rig.learner.q_values(q, {&observation, 1}, 1);
  CHECK(q[0] == doctest::Approx(3));
}

TEST_CASE("observations stored as bytes give the same step") {
  ReferenceBackend<float> backend;
  test::check_bytes_are_floats<OpByOpLearner>(backend, options_for(1));
}

TEST_CASE("a step on normalised observations is that on observations normalised before") {
  test::for_each_backend(test::float_backends(), [](Backend& backend) {
    test::check_normalised_step<OpByOpLearner>(backend, options_for(3));
  });
}

TEST_CASE("a learner's target network begins as its online network") {
  test::for_each_backend(test::float_backends(), [](Backend& backend) {
    test::check_target_begins_as_online<OpByOpLearner>(backend, options_for(1));
  });
}

TEST_CASE("a batch smaller than max_batch is learnt from as if it were all") {
  Rig small("dense 3, relu, dense 2", {1}, options_for(2));
  Rig large("dense 3, relu, dense 2", {1}, options_for(7));
  for (Rig* rig : {&small, &large}) {
    rig->set_transition(0, {0.5F}, 0, 1, 0.9F, 0, {0.25F});
    rig->set_transition(1, {-1}, 1, 2, 0.9F, 1, {3});
    rig->learn(2, 0.1F);
  }
  CHECK(small.online() == large.online());
}

TEST_CASE("q_values are the online network's") {
  Rig rig(kLinear, {1}, options_for(3));
  rig.set_both({1, 2, 10, 20}, {0, 0, 0, 0});
  std::vector<float> q(6);
  const std::vector<float> observations = {0, 1, 2};
  rig.learner.q_values(q, observations, 3);
  CHECK(q == std::vector<float>{10, 20, 11, 22, 12, 24});
}

TEST_CASE("a learn step, acting and a target update allocate nothing") {
  RunningNormalizer normalizer(2);
  LearnerOptions options = options_for(4);
  options.double_dqn = true;
  options.max_grad_norm = 1;
  options.normalizer = &normalizer;
  test::for_each_backend(test::host_backends(), [&](Backend& backend) {
    Rig rig(backend, "dense 5, relu, dueling 2 hidden 3", {2}, options);
    for (std::size_t n = 0; n < 4; ++n) rig.set_transition(n, {0.5F, 1}, 1, 2, 0.9F, 0, {1, 0.5F});
    CHECK(test::allocations_of_steps(rig, 4) == 0);
  });
}

TEST_CASE("what does not fit is refused with the numbers") {
  Rig rig(kLinear, {1}, options_for(2));
  test::check_refusals(rig);
  LearnerOptions options = options_for(1);
  options.huber_delta = 0;
  CHECK_THROWS_AS(Rig(kLinear, {1}, options), Error);
  CHECK_THROWS_AS(Rig("relu", {1, 2, 2}, options_for(1)), Error);
}

}  // namespace
}  // namespace bellman
