// A traced gradient step against the definitions, written out in double for one transition and one batch.
#include "apps/explain/update_trace.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/explain/layer_sections.h"
#include "apps/explain/q_change.h"
#include "apps/explain/update_page.h"
#include "apps/explain/update_text.h"
#include "tests/apps/explain/traced_step.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

TEST_CASE("every number of a step follows from the others by its definition") {
  TrainConfig config = small_config();
  SUBCASE("DQN, mean squared error, uniform replay") {}
  SUBCASE("Double DQN, Huber, prioritised replay, clipping") {
    config.double_dqn = config.prioritized = true;
    config.loss = LossKind::kHuber;
    config.max_grad_norm = 0.05;
  }
  SUBCASE("three steps, without a target network") {
    config.n_step = 3;
    config.target_network = false;
  }
  const UpdateTrace trace = traced(config, 100);
  CHECK(trace.distance_from_run == 0);
  CHECK(is_runs_own(trace));
  check_definitions(trace);
}

TEST_CASE("a prioritised draw's way through the tree ends at its slot") {
  TrainConfig config = small_config();
  config.prioritized = true;
  const UpdateTrace trace = traced(config, 60);
  check_draws(trace);
}

TEST_CASE("a fused learner's step is within rounding of the one that is shown") {
  TrainConfig config = small_config();
  config.learner = LearnerKind::kFused;
  const UpdateTrace trace = traced(config, 100);
  CHECK(trace.distance_from_run <= 1e-6);
  CHECK(trace.update.learner.starts_with("fused"));
}

TEST_CASE("the change of a Q-value is the sum of its parts") {
  TrainConfig config = small_config();
  double most_residual = 1e-6;
  SUBCASE("Adam") {}
  SUBCASE("AdamW with weight decay") { config.optimizer = OptimizerKind::kAdamW, config.weight_decay = 0.01; }
  SUBCASE("RMSprop, centred") { config.optimizer = OptimizerKind::kRmsProp, config.rmsprop_centered = true; }
  SUBCASE("SGD with momentum") { config.optimizer = OptimizerKind::kSgd, config.momentum = 0.9; }
  SUBCASE("clipped") { config.max_grad_norm = 0.01; }
  const UpdateTrace trace = traced(config, 80);
  const std::vector<double> s = row(trace.tensor("a0"), 3);
  const QChange change = split_q_change(trace, s, 1);
  double sum = change.of_memory + change.residual;
  for (const double part : change.of_transition) sum += part;
  CHECK(std::abs(sum - (change.after - change.before)) < 1e-12);
  CHECK(std::abs(change.residual) <= most_residual);
  check_near(change.before, q_values(trace, "theta.", s)[1]);
  check_near(change.after, q_values(trace, "theta.after.", s)[1]);
}

TEST_CASE("plain SGD remembers nothing, and a batch of one is to blame for all") {
  TrainConfig config = small_config();
  config.optimizer = OptimizerKind::kSgd;
  config.batch_size = 1;
  const UpdateTrace trace = traced(config, 40);
  const QChange change = split_q_change(trace, row(trace.tensor("a0"), 0), 0);
  REQUIRE(change.of_transition.size() == 1);
  CHECK(std::abs(change.of_memory) <= 1e-6);
  CHECK(std::abs(change.of_transition[0] - (change.after - change.before)) <= 2e-6);
}

TEST_CASE("every layer, loss and optimiser that trains here has a page") {
  TrainConfig config = small_config();
  config.batch_size = 4;
  SUBCASE("dueling with Double DQN") { config.dueling = config.double_dqn = true; }
  SUBCASE("activations and layer norm") {
    config.network =
        "dense 6, tanh, dense 5, sigmoid, layer_norm, dense 4, leaky_relu, dense 4, gelu, dense 4, "
        "gelu_tanh, dense 4, silu";
  }
  SUBCASE("Munchausen DQN") { config.munchausen = true; }
  SUBCASE("RMSprop") { config.optimizer = OptimizerKind::kRmsProp; }
  SUBCASE("no replay") { config.replay = false, config.num_envs = 4; }
  SUBCASE("normalised observations") { config.normalize_observation = true; }
  SUBCASE("a convolution and pooling") {
    config.env.id = "GridWorld-v0";
    config.env.observation = "planes";
    config.network = "conv 3 3x3 stride 2 padding 1, relu, max_pool 2x2, flatten, dense 6, relu";
  }
  const UpdateTrace trace = traced(config, 30);
  const QChange change = split_q_change(trace, row(trace.tensor("a0"), 0), 0);
  const std::string html = update_page(trace, 0, change, "title");
  for (const std::string& layer : trace.layers) CHECK_MESSAGE(html.find("</h3>") != std::string::npos, layer);
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.size() < 3'000'000);
  const std::string text = update_text(trace, 0, 120);
  CHECK(text.find("nan") == std::string::npos);
}

TEST_CASE("what cannot be explained is refused by name") {
  TrainConfig config = small_config();
  CHECK(error_message([&] {
          capture_update(config, nullptr, "run", 100'000);
        }).find("there is no gradient step 100000: the whole run makes") != std::string::npos);
  config.device = "abacus";
  CHECK(error_message([&] {
          capture_update(config, nullptr, "run", 1);
        }).starts_with("run: the step is made again where the run made it: --device: unknown device"));
  config.device = "cpu";
  const UpdateTrace trace = traced(config, 10);
  CHECK(error_message([&] { trace.tensor("gradient.0.wieght"); }).find("gradient.0.weight") !=
        std::string::npos);
  CHECK(error_message([&] { update_text(trace, 8, 80); }).find("has 8 transitions") != std::string::npos);
  CHECK(error_message([&] { split_q_change(trace, std::vector<double>{1.0}, 0); }).find("has 1 numbers") !=
        std::string::npos);
}

}  // namespace
}  // namespace bellman::test
