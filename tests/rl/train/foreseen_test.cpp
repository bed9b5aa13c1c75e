#include "rl/train/foreseen.h"

#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace bellman::test {
namespace {

using Sentences = std::vector<std::string>;

TrainConfig plain() {
  TrainConfig config;
  config.total_timesteps = 2000;
  config.learning_starts = 100;
  return config;
}

EnvSpec spec_of(const TrainConfig& config) { return make_env(config.env)->spec(); }

TEST_CASE("learning that never starts is foreseen, to the step") {
  TrainConfig config = plain();
  const auto sentences = [&] { return foreseen(config, spec_of(config)); };
  CHECK(sentences().empty());
  config.learning_starts = 2000;
  CHECK(sentences().empty());  // after the last step
  config.learning_starts = 2001;
  CHECK(sentences() ==
        Sentences{"learning never starts: its first step would come at step 2010 (learning_starts "
                  "2001, train_frequency 10), and the run has 2000"});
  config.num_envs = 12;  // 2004 steps
  config.train_frequency = 3;
  CHECK(sentences().empty());
  config.train_frequency = 501;
  config.learning_starts = 0;
  CHECK(sentences().empty());
  config.train_frequency = 2005;
  CHECK(sentences().size() == 1);
  config.replay = false;
  CHECK(sentences().empty());
}

TEST_CASE("a threshold that no episode can return is foreseen") {
  TrainConfig config = plain();
  const auto sentences = [&] { return foreseen(config, spec_of(config)); };
  config.env.max_episode_steps = 200;
  CHECK(sentences() ==
        Sentences{"no run can count as solved: solved_return is 475, and an episode returns at most "
                  "200"});
  config.solved_return = 200;
  CHECK(sentences().empty());
  config.env.sutton_barto_reward = true;
  CHECK(sentences() ==
        Sentences{"no run can count as solved: solved_return is 200, and an episode returns at most 0"});
  config.eval_frequency = 0;  // no evaluations
  CHECK(sentences().empty());
  config = plain();
  config.env.id = "FrozenLake-v1";
  CHECK(sentences().empty());
  config.solved_return = 1.5;
  CHECK(sentences() ==
        Sentences{"no run can count as solved: solved_return is 1.5, and an episode returns at most 1"});
}

TEST_CASE("a threshold that every episode reaches is foreseen") {
  for (const auto& [id, threshold] : {std::pair{"MountainCar-v0", "-110"}, {"Acrobot-v1", "-100"}}) {
    TrainConfig config = plain();
    config.env.id = id;
    CHECK(foreseen(config, spec_of(config)).empty());
    config.env.max_episode_steps = 5;
    CHECK(foreseen(config, spec_of(config)) ==
          Sentences{std::string("every run counts as solved: solved_return is ") + threshold +
                    ", and an episode returns at least -5"});
  }
  TrainConfig config = plain();
  config.solved_return = 1;
  CHECK(foreseen(config, spec_of(config)) ==
        Sentences{"every run counts as solved: solved_return is 1, and an episode returns at least 1"});
}

TEST_CASE("a goal that no way leads to is foreseen") {
  EnvSpec spec = spec_of(plain());
  spec.id = "FrozenLake-v1";
  spec.goal_in_reach = false;
  spec.highest_return = 0;
  spec.reward_threshold = std::nan("");
  CHECK(foreseen(plain(), spec) ==
        Sentences{"no way leads from the start to the goal of FrozenLake-v1: an episode returns at most 0"});
}

TEST_CASE("an evaluation that may outlast the run is foreseen, in every environment") {
  for (const char* id : {"CliffWalking-v1", "FrozenLake-v1", "GridWorld-v0", "FourRooms-v0", "CartPole-v1"}) {
    CAPTURE(id);
    TrainConfig config = plain();
    config.env.id = id;
    config.solved_return = config.env.id == "CartPole-v1" ? 100 : -1e9;  // within what an episode can return
    const auto sentences = [&] { return foreseen(config, spec_of(config)); };
    for (const Index fits : {Index{0}, Index{500}, Index{10'000}}) {
      config.env.max_episode_steps = fits;
      CHECK(sentences().empty());
    }
    config.env.max_episode_steps = Index{1} << 32;
    CHECK(sentences() ==
          Sentences{"an evaluation may last longer than the whole run: an episode in which the policy never "
                    "comes to an end is cut after max_episode_steps, which is 4294967296 (0, no limit, cuts "
                    "it after 10000)"});
    config.env.max_episode_steps = 20'000;
    CHECK(sentences().size() == 1);
    config.total_timesteps = 20'000;
    CHECK(sentences().empty());
  }
}

TEST_CASE("more threads than processors are foreseen, with both numbers") {
  TrainConfig config = plain();
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  REQUIRE(processors > 0);
  config.threads = processors;
  CHECK(foreseen(config, spec_of(config)).empty());
  config.threads = processors + 1;
  const Sentences found = foreseen(config, spec_of(config));
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("threads is " + std::to_string(processors + 1) + ", but this process may use " +
                             std::to_string(processors) + " processor"));
  config.device = "reference";  // which has none
  CHECK(foreseen(config, spec_of(config)).empty());
}

TEST_CASE("schedules that jump where a run is resumed with another length are foreseen") {
  TrainConfig before = plain(), after = plain();
  before.start_e = after.start_e = 1;
  before.end_e = after.end_e = 0.5;
  before.exploration_fraction = after.exploration_fraction = 0.5;
  CHECK(foreseen_jumps(before, after, 2000).empty());
  after.total_timesteps = 8000;
  CHECK(foreseen_jumps(before, after, 2000) ==
        Sentences{
            "epsilon goes from 0.5 to 0.75 at step 2000: its schedule follows total_timesteps, which is 8000 "
            "instead of 2000"});
  before.anneal_learning_rate = after.anneal_learning_rate = true;
  before.prioritized = after.prioritized = true;
  CHECK(foreseen_jumps(before, after, 2000).size() == 3);
  after.learning_rate = before.learning_rate / 2;  // asked for: that it changes is no surprise
  CHECK(foreseen_jumps(before, after, 2000).size() == 2);
  after.learning_rate = before.learning_rate;
  before.exploration_schedule = after.exploration_schedule = ExplorationSchedule::kExponential;
  before.anneal_learning_rate = after.anneal_learning_rate = false;
  before.per_beta_start = after.per_beta_start = before.per_beta_end;
  after.per_beta_end = before.per_beta_end;
  CHECK(foreseen_jumps(before, after, 2000).empty());
}

}  // namespace
}  // namespace bellman::test
