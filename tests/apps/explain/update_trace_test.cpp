// A traced gradient step against the definitions, written out in double for one transition and one batch.
#include "apps/explain/update_trace.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/explain/layer_sections.h"
#include "apps/explain/q_change.h"
#include "apps/explain/step_question.h"
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
  double sum = change.of_decay + change.of_memory + change.residual;
  for (const double part : change.of_transition) sum += part;
  CHECK(std::abs(sum - (change.after - change.before)) < 1e-12);
  CHECK(std::abs(change.residual) <= most_residual);
  check_near(change.before, q_values(trace, "theta.", s)[1]);
  check_near(change.after, q_values(trace, "theta.after.", s)[1]);
}

/// Q(s, a) at theta + t (theta' - theta) + h d.
double q_beside(UpdateTrace at, double t, double h, const std::vector<std::vector<double>>& d,
                const std::vector<double>& s, std::size_t action) {
  std::size_t parameter = 0;
  for (const char* const name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
    const std::vector<double> after = at.tensor(std::string("theta.after.") + name).values;
    for (TracedTensor& theta : at.tensors)
      if (theta.name == std::string("theta.") + name)
        for (std::size_t i = 0; i < after.size(); ++i)
          theta.values[i] += t * (after[i] - theta.values[i]) + h * d[parameter][i];
    ++parameter;
  }
  return q_values(at, "theta.", s)[action];
}

TEST_CASE("weight decay has a part of its own, by the definition of each optimiser") {
  TrainConfig config = small_config();
  config.weight_decay = 0.5;
  bool is_adam = false, remembers = true;
  SUBCASE("AdamW") { config.optimizer = OptimizerKind::kAdamW; }
  SUBCASE("Adam") { is_adam = true; }
  SUBCASE("SGD") { config.optimizer = OptimizerKind::kSgd, remembers = false; }
  SUBCASE("SGD with momentum") { config.optimizer = OptimizerKind::kSgd, config.momentum = 0.9; }
  const UpdateTrace trace = traced(config, 60);
  const std::vector<double> s = row(trace.tensor("a0"), 2);
  const QChange change = split_q_change(trace, s, 1);
  const auto lr = static_cast<double>(trace.update.next.step.learning_rate),
             t = static_cast<double>(trace.optimizer_step);
  std::vector<std::vector<double>> decay;
  for (const char* const name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
    decay.push_back(trace.tensor(std::string("theta.") + name).values);
    for (std::size_t i = 0; i < decay.back().size(); ++i) {
      double scale = -lr * config.weight_decay;
      if (is_adam)
        scale *=
            0.1 / (1 - std::pow(0.9, t)) /
            (std::sqrt(trace.tensor(std::string("v.after.") + name).values[i] / (1 - std::pow(0.999, t))) +
             config.optimizer_epsilon);
      decay.back()[i] *= scale;
    }
  }
  double expected = 0;  // Q's slope along the decay, at 64 points of the way
  for (int i = 0; i < 64; ++i)
    expected += (q_beside(trace, (i + 0.5) / 64, 1e-3, decay, s, 1) -
                 q_beside(trace, (i + 0.5) / 64, -1e-3, decay, s, 1)) /
                2e-3 / 64;
  REQUIRE(std::abs(expected) > 1e-6);
  CHECK(change.of_decay == doctest::Approx(expected).epsilon(1e-4));
  CHECK(std::abs(change.residual) <= 1e-6);
  if (!remembers) CHECK(std::abs(change.of_memory) <= 1e-6);
  CHECK(update_page(trace, 2, change, "title").find("weight decay") != std::string::npos);
}

TEST_CASE("a skipped step is said to be one, and moves nothing") {
  TrainConfig config = small_config();
  config.on_nan = OnNan::kSkip;
  config.reward_scale = 1e30;  // no float holds a square of it
  SUBCASE("uniform replay, op by op") {}
  SUBCASE("fused") { config.learner = LearnerKind::kFused; }
  SUBCASE("prioritised replay, clipping, SGD") {
    config.prioritized = true;
    config.max_grad_norm = 1;
    config.optimizer = OptimizerKind::kSgd;
  }
  SUBCASE("on a device") {
    config.learner = LearnerKind::kAuto;
    config.device = "simt";
  }
  const UpdateTrace trace = traced(config, 3);
  CHECK(trace.skipped);
  CHECK(trace.optimizer_step == 0);
  CHECK(trace.distance_from_run == 0);
  for (const char* const name : {"0.weight", "0.bias", "2.weight", "2.bias"})
    CHECK(trace.tensor(std::string("theta.after.") + name).values ==
          trace.tensor(std::string("theta.") + name).values);
  for (const TracedDraw& draw : trace.draws) CHECK(draw.new_priority == draw.priority);
  const QChange change = split_q_change(trace, row(trace.tensor("a0"), 0), 0);
  CHECK(change.after == change.before);
  CHECK(change.of_decay + change.of_memory + change.residual == 0);
  for (const double part : change.of_transition) CHECK(part == 0);
  const std::string html = update_page(trace, 0, change, "title"), text = update_text(trace, 0, 200);
  CHECK(html.find("This step was skipped") != std::string::npos);
  CHECK(html.find("no weight moved") != std::string::npos);
  CHECK(text.find("skipped: its loss or gradient is not finite") != std::string::npos);
  CHECK(text.find("the weights did not move") != std::string::npos);
  CHECK(update_json(trace)["skipped"] == true);
  CHECK(update_json(traced(small_config(), 3))["skipped"] == false);
}

TEST_CASE("a skipped step is no step of Adam, on any device") {
  TrainConfig config = small_config();
  config.on_nan = OnNan::kSkip;
  config.learner = LearnerKind::kAuto;
  config.reward_scale = 3e18;  // errors overflow where the network's own Q does not make up for them
  SUBCASE("cpu") { config.device = "cpu"; }
  SUBCASE("simt") { config.device = "simt"; }
  Index skipped = 0, made = 0;
  for (const Index number : {1, 2, 3}) {
    const UpdateTrace trace = traced(config, number);
    CHECK(trace.optimizer_step == made + (trace.skipped ? 0 : 1));
    skipped += trace.skipped ? 1 : 0;
    made = trace.optimizer_step;
  }
  CHECK(skipped + made == 3);
}

TEST_CASE("the names of a step's tensors are known before it is made") {
  TrainConfig config = small_config();
  SUBCASE("DQN") {}
  SUBCASE("Double DQN, prioritised, RMSprop") {
    config.double_dqn = config.prioritized = config.rmsprop_centered = true;
    config.optimizer = OptimizerKind::kRmsProp;
  }
  SUBCASE("Munchausen, dueling, layer norm") {
    config.munchausen = config.dueling = true;
    config.network = "dense 6, layer_norm, tanh";
  }
  SUBCASE("no target network, no replay, SGD with momentum") {
    config.target_network = config.replay = false;
    config.num_envs = 4;
    config.optimizer = OptimizerKind::kSgd;
    config.momentum = 0.9;
  }
  SUBCASE("a convolution and pooling") {
    config.env.id = "GridWorld-v0";
    config.env.observation = "planes";
    config.network = "conv 3 3x3 stride 2 padding 1, relu, max_pool 2x2, flatten, dense 6, relu";
  }
  const UpdateTrace trace = traced(config, 5);
  std::vector<std::string> known = traced_names(config, trace.update.env), traced_ones;
  for (const TracedTensor& tensor : trace.tensors) traced_ones.push_back(tensor.name);
  std::ranges::sort(known);
  std::ranges::sort(traced_ones);
  CHECK(known == traced_ones);
}

TEST_CASE("what is asked about a step is checked by the run's settings alone") {
  const TrainConfig config = small_config();
  const auto refusal = [&](const StepQuestion& question) {
    return error_message([&] { question.check(config); });
  };
  CHECK_NOTHROW(
      StepQuestion{.sample = "7", .tensor = "m.0.bias", .state = "0,0,0.1,0", .action = "1"}.check(config));
  struct Case {
    StepQuestion question;
    std::vector<std::string> parts;  // option and value
  };
  for (const Case& c : std::vector<Case>{{{.sample = "8"}, {"--sample", "8", "7"}},
                                         {{.sample = "-1"}, {"--sample", "-1"}},
                                         {{.sample = ""}, {"--sample"}},
                                         {{.tensor = "gradent.0.bias"}, {"--tensor", "gradient.0.bias"}},
                                         {{.tensor = ""}, {"--tensor"}},
                                         {{.state = "0,0"}, {"--state 0,0", "2"}},
                                         {{.state = "0,0,0,x"}, {"--state", "x"}},
                                         {{.state = ""}, {"--state"}},
                                         {{.action = "2"}, {"--action", "2", "1"}},
                                         {{.action = ""}, {"--action"}}})
    for (const std::string& part : c.parts) {
      CAPTURE(refusal(c.question));
      CHECK(refusal(c.question).find(part) != std::string::npos);
    }
  CHECK(error_message([] { StepQuestion{.step = ""}.wanted_step(); }).find("--step") != std::string::npos);
  CHECK(error_message([] { StepQuestion{.step = "0"}.wanted_step(); }).find("--step") != std::string::npos);
}

TEST_CASE("no line of a step's text is wider than the terminal, and nothing of it is lost") {
  TrainConfig config = small_config();
  config.prioritized = true;
  config.optimizer = OptimizerKind::kRmsProp;
  const UpdateTrace trace = traced(config, 30);
  const auto words = [](const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string word; in >> word;) all.push_back(word);
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  };
  const std::vector<std::string> whole = words(update_text(trace, 0, 1000));
  for (const std::size_t width : {40U, 79U, 199U}) {
    const std::string text = update_text(trace, 0, width);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= width, line);
    std::vector<std::string> lost;
    std::ranges::set_difference(whole, words(text), std::back_inserter(lost));
    std::erase_if(lost, [](const std::string& word) { return word == "tensor" || word == "parameter"; });
    CHECK(lost == std::vector<std::string>{});  // but for what a table's first column is
  }
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
