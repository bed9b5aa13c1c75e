#include "rl/config/train_config.h"

#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "rl/train/from_config.h"
#include "tests/support/not_finite.h"

namespace bellman {
namespace {

TEST_CASE("the defaults are valid") { CHECK_NOTHROW(TrainConfig().validate()); }

TEST_CASE("what is out of range is refused by name and value") {
  struct Case {
    std::function<void(TrainConfig&)> spoil;
    std::string message;
  };
  const std::vector<Case> cases = {
      {[](TrainConfig& c) { c.total_timesteps = 0; }, "total_timesteps is 0, must be at least 1"},
      {[](TrainConfig& c) { c.num_envs = 0; }, "num_envs is 0, must be at least 1"},
      {[](TrainConfig& c) { c.threads = -1; }, "threads is -1, must be at least 1"},
      {[](TrainConfig& c) { c.learning_rate = 0; }, "learning_rate is 0, must be above 0, and finite"},
      {[](TrainConfig& c) { c.learning_rate = test::kInfinity; },
       "learning_rate is inf, must be above 0, and finite"},
      {[](TrainConfig& c) { c.optimizer_epsilon = 0; },
       "optimizer_epsilon is 0, must be above 0 and at most 1"},
      {[](TrainConfig& c) { c.weight_decay = -1; }, "weight_decay is -1, must be 0 or more, and finite"},
      {[](TrainConfig& c) { c.momentum = 1; }, "momentum is 1, must be 0 or more and below 1"},
      {[](TrainConfig& c) { c.max_grad_norm = test::kNan; },
       "max_grad_norm is nan, must be 0 or more, and finite"},
      {[](TrainConfig& c) { c.gamma = 1.01; }, "gamma is 1.01, must be 0 to 1"},
      {[](TrainConfig& c) { c.gamma = test::kNan; }, "gamma is nan, must be 0 to 1"},
      {[](TrainConfig& c) { c.n_step = 0; }, "n_step is 0, must be at least 1"},
      {[](TrainConfig& c) { c.munchausen_alpha = 1.5; }, "munchausen_alpha is 1.5, must be 0 to 1"},
      {[](TrainConfig& c) { c.munchausen_temperature = 0; },
       "munchausen_temperature is 0, must be above 0, and finite"},
      {[](TrainConfig& c) { c.munchausen_clip = 1; }, "munchausen_clip is 1, must be 0 or less, and finite"},
      {[](TrainConfig& c) { c.munchausen = c.double_dqn = true; },
       "munchausen and double_dqn are true: Munchausen's targets have no action for another network to "
       "choose"},
      {[](TrainConfig& c) {
         c.munchausen = true;
         c.n_step = 3;
       },
       "munchausen is true and n_step is 3, must be 1: what the later actions of a return would add is not "
       "defined"},
      {[](TrainConfig& c) { c.huber_delta = 0; }, "huber_delta is 0, must be above 0, and finite"},
      {[](TrainConfig& c) { c.tau = 0; }, "tau is 0, must be above 0 and at most 1"},
      {[](TrainConfig& c) { c.target_network_frequency = 0; },
       "target_network_frequency is 0, must be at least 1"},
      {[](TrainConfig& c) { c.buffer_size = 0; }, "buffer_size is 0, must be at least 1"},
      {[](TrainConfig& c) { c.batch_size = 0; }, "batch_size is 0, must be at least 1"},
      {[](TrainConfig& c) { c.learning_starts = -1; }, "learning_starts is -1, must be at least 0"},
      {[](TrainConfig& c) { c.train_frequency = 0; }, "train_frequency is 0, must be at least 1"},
      {[](TrainConfig& c) { c.gradient_steps = 0; }, "gradient_steps is 0, must be at least 1"},
      {[](TrainConfig& c) { c.per_alpha = 2; }, "per_alpha is 2, must be 0 to 1"},
      {[](TrainConfig& c) { c.per_beta_start = -1; }, "per_beta_start is -1, must be 0 to 1"},
      {[](TrainConfig& c) { c.per_beta_end = 1.5; }, "per_beta_end is 1.5, must be 0 to 1"},
      {[](TrainConfig& c) { c.per_epsilon = 0; }, "per_epsilon is 0, must be 1e-30 or more, and finite"},
      {[](TrainConfig& c) { c.start_e = 1.5; }, "start_e is 1.5, must be 0 to 1"},
      {[](TrainConfig& c) { c.end_e = -0.5; }, "end_e is -0.5, must be 0 to 1"},
      {[](TrainConfig& c) { c.exploration_fraction = test::kNan; },
       "exploration_fraction is nan, must be 0 to 1"},
      {[](TrainConfig& c) { c.exploration_decay = 0; },
       "exploration_decay is 0, must be above 0 and at most 1"},
      {[](TrainConfig& c) { c.reward_scale = -1; }, "reward_scale is -1, must be above 0, and finite"},
      {[](TrainConfig& c) { c.reward_clip = -1; }, "reward_clip is -1, must be 0 or more, and finite"},
      {[](TrainConfig& c) { c.eval_frequency = -1; }, "eval_frequency is -1, must be at least 0"},
      {[](TrainConfig& c) { c.eval_episodes = 0; }, "eval_episodes is 0, must be at least 1"},
      {[](TrainConfig& c) { c.final_eval_episodes = 0; }, "final_eval_episodes is 0, must be at least 1"},
      {[](TrainConfig& c) { c.solve_confirm_episodes = -1; },
       "solve_confirm_episodes is -1, must be at least 0"},
      {[](TrainConfig& c) { c.eval_epsilon = 2; }, "eval_epsilon is 2, must be 0 to 1"},
      {[](TrainConfig& c) { c.log_frequency = 0; }, "log_frequency is 0, must be at least 1"},
      {[](TrainConfig& c) { c.checkpoint_frequency = -1; }, "checkpoint_frequency is -1, must be at least 0"},
      {[](TrainConfig& c) { c.checkpoint_seconds = test::kNan; },
       "checkpoint_seconds is nan, must be 0 or more, and finite"},
      {[](TrainConfig& c) { c.keep = 0; }, "keep is 0, must be at least 1"},
  };
  for (const Case& wrong : cases) {
    TrainConfig config;
    wrong.spoil(config);
    CHECK_THROWS_WITH_AS(config.validate(), wrong.message.c_str(), Error);
  }
}

TEST_CASE("settings that contradict each other are refused") {
  TrainConfig config;
  config.prioritized = true;
  config.replay = false;
  CHECK_THROWS_AS(config.validate(), Error);

  config = TrainConfig();
  config.stop_when_solved = true;
  config.eval_frequency = 0;
  CHECK_THROWS_AS(config.validate(), Error);

  config = TrainConfig();
  config.exploration_schedule = ExplorationSchedule::kExponential;
  config.start_e = 0.1;
  config.end_e = 0.2;
  CHECK_THROWS_AS(config.validate(), Error);
}

TEST_CASE("exploration: a straight line over a fraction of the run, or a factor a step with a floor") {
  TrainConfig config;
  config.total_timesteps = 1000;
  config.start_e = 1;
  config.end_e = 0.1;
  config.exploration_fraction = 0.5;
  Schedule epsilon = exploration_schedule(config);
  CHECK(value_at(epsilon, 0) == 1);
  CHECK(value_at(epsilon, 250) == doctest::Approx(0.55));
  CHECK(value_at(epsilon, 500) == 0.1);
  CHECK(value_at(epsilon, 1000) == 0.1);

  config.exploration_schedule = ExplorationSchedule::kExponential;
  config.exploration_decay = 0.5;
  epsilon = exploration_schedule(config);
  CHECK(value_at(epsilon, 2) == 0.25);
  CHECK(value_at(epsilon, 5) == 0.1);
}

TEST_CASE("what the settings say about learning reaches the learner") {
  TrainConfig config;
  const LearnerOptions plain = learner_options(config, nullptr);
  CHECK(plain.normalizer == nullptr);
  CHECK(plain.observation_type == ObservationType::kFloat32);
  CHECK(plain.max_batch == config.batch_size);
  CHECK(plain.max_acting_batch == config.final_eval_episodes);
  CHECK(!plain.double_dqn);
  CHECK(plain.target_network);
  CHECK(plain.loss == LossKind::kMeanSquaredError);
  CHECK(plain.max_grad_norm == 0);
  CHECK(plain.initialiser == Initialiser::kPytorch);

  const RunningNormalizer normalizer(1);
  config.seed = 12;
  config.num_envs = 500;
  config.double_dqn = true;
  config.target_network = false;
  config.loss = LossKind::kHuber;
  config.huber_delta = 0.5;
  config.max_grad_norm = 2.5;
  config.initialiser = Initialiser::kOrthogonal;
  const LearnerOptions options = learner_options(config, &normalizer);
  CHECK(options.normalizer == &normalizer);
  CHECK(options.seed == 12);
  CHECK(options.max_acting_batch == 500);
  CHECK(options.double_dqn);
  CHECK(!options.target_network);
  CHECK(options.loss == LossKind::kHuber);
  CHECK(options.huber_delta == 0.5F);
  CHECK(options.max_grad_norm == 2.5F);
  CHECK(options.initialiser == Initialiser::kOrthogonal);
}

TEST_CASE("each optimiser gets the options that are its own") {
  TrainConfig config;
  config.optimizer_epsilon = 1e-4;
  config.weight_decay = 0.5;
  config.momentum = 0.25;
  config.rmsprop_centered = true;
  config.optimizer = OptimizerKind::kAdamW;
  const auto adamw = std::get<AdamOptions>(optimizer_options(config));
  CHECK(adamw.epsilon == 1e-4);
  CHECK(adamw.weight_decay == 0.5);
  CHECK(adamw.decoupled);
  config.optimizer = OptimizerKind::kAdam;
  CHECK(!std::get<AdamOptions>(optimizer_options(config)).decoupled);
  config.optimizer = OptimizerKind::kRmsProp;
  const auto rmsprop = std::get<RmsPropOptions>(optimizer_options(config));
  CHECK(rmsprop.centered);
  CHECK(rmsprop.momentum == 0.25);
  CHECK(rmsprop.weight_decay == 0.5);
  config.optimizer = OptimizerKind::kSgd;
  CHECK(std::get<SgdOptions>(optimizer_options(config)).momentum == 0.25);
}

}  // namespace
}  // namespace bellman
