// FrozenLake's and CliffWalking's tables against Gymnasium's (scripts/golden/envs.py), number for number.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/grid/tabular_env.h"
#include "tests/support/error_message.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

EnvOptions options_of(const std::string& golden_case) {
  EnvOptions options;
  options.id = golden_case == "cliff"                ? "CliffWalking-v1"
               : golden_case.starts_with("lake_8x8") ? "FrozenLake8x8-v1"
                                                     : "FrozenLake-v1";
  if (golden_case.ends_with("_dry")) options.slippery = false;
  if (golden_case.ends_with("_success_70")) options.success_rate = 0.7;
  return options;
}

TEST_CASE("FrozenLake and CliffWalking are Gymnasium's, outcome for outcome") {
  const Golden golden("golden_tables");
  REQUIRE(golden.keys("").size() == 6);
  for (const std::string& name : golden.keys("")) {
    CAPTURE(name);
    const auto env = make_env(options_of(name));
    const TabularMdp& mdp = as_tabular(*env)->task().mdp;
    CHECK(env->spec().id == golden.text(name + ".id"));
    CHECK(static_cast<double>(env->spec().max_episode_steps) == golden.number(name + ".max_episode_steps"));
    if (name == "cliff")
      CHECK(std::isnan(env->spec().reward_threshold));
    else
      CHECK(env->spec().reward_threshold == golden.number(name + ".reward_threshold"));

    std::vector<double> start(static_cast<std::size_t>(mdp.num_states()));
    for (const TabularMdp::Start& s : mdp.starts()) start[static_cast<std::size_t>(s.state)] += s.probability;
    CHECK(start == golden[name + ".start"].values());

    std::vector<double> outcomes;
    for (std::int32_t s = 0; s < mdp.num_states(); ++s)
      for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
        for (const Outcome& o : mdp.outcomes(s, a))
          outcomes.insert(outcomes.end(), {double(s), double(a), o.probability, double(o.next), o.reward,
                                           double(o.terminated)});
    CHECK(outcomes == golden[name + ".outcomes"].values());
  }
}

TEST_CASE("FrozenLake's and CliffWalking's actions bear Gymnasium's names") {
  CHECK(make_env(options_of("lake_4x4"))->spec().action_names ==
        std::vector<std::string>{"left", "down", "right", "up"});
  CHECK(make_env(options_of("cliff"))->spec().action_names ==
        std::vector<std::string>{"up", "right", "down", "left"});
}

TEST_CASE("the outcome is the first whose cumulative probability exceeds the uniform number") {
  TabularMdp mdp(2, 1);
  mdp.add(0, 0, {0.25, 1, 0, false});
  mdp.add(0, 0, {0, 2, 0, false});
  mdp.add(0, 0, {0.75, 3, 1, true});
  mdp.add(1, 0, {1, 0, 1, true});
  mdp.exclude(1);
  mdp.add_start(0, 1);
  mdp.finish();
  const TabularTable table = mdp.table();
  CHECK(tabular_step(table, 0, 0, 0.0).reward == 1);
  CHECK(tabular_step(table, 0, 0, std::nextafter(0.25, 0)).reward == 1);
  CHECK(tabular_step(table, 0, 0, 0.25).reward == 3);  // never the outcome of probability 0
  CHECK(tabular_step(table, 0, 0, 1 - 0x1p-53).reward == 3);
  // Probabilities that add up to a little less than 1, and a number above them.
  TabularMdp short_of_one(1, 1);
  short_of_one.add(0, 0, {0.5, 7, 0, false});
  short_of_one.add(0, 0, {0.5 - 1e-12, 8, 0, false});
  short_of_one.add_start(0, 1);
  short_of_one.finish();
  CHECK(tabular_step(short_of_one.table(), 0, 0, 1 - 0x1p-53).reward == 7);
}

TEST_CASE("outcomes are drawn as often as their probabilities say") {
  const auto env = make_env(options_of("lake_4x4_success_70"));
  env->seed({11, Purpose::kTest, 0});
  // From cell 8 (third row, first column), right: up to 4, right to 9, or down into the hole at 12.
  std::vector<double> count(16);
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    env->set_physical_state(std::vector<double>{8});
    const StepResult result = env->step(2);
    const auto cell = static_cast<std::size_t>(env->state()[0]);
    count[cell] += 1;
    CHECK(result.terminated == (cell == 12));
  }
  CHECK(count[4] + count[9] + count[12] == kDraws);
  const auto standard_error = [](double p) { return std::sqrt(p * (1 - p) / kDraws); };
  CHECK(std::abs(count[9] / kDraws - 0.7) <= 5 * standard_error(0.7));
  CHECK(std::abs(count[4] / kDraws - 0.15) <= 5 * standard_error(0.15));
}

TEST_CASE("falling off the cliff leads back to the start and does not terminate") {
  const auto env = make_env(options_of("cliff"));
  env->seed({1, Purpose::kTest, 0});
  env->reset();
  const StepResult fall = env->step(1);
  CHECK(fall.reward == -100);
  CHECK(!fall.terminated);
  CHECK(!fall.truncated);
  CHECK(env->state()[0] == 36);
  env->step(0);
  double total = 0;
  for (int i = 0; i < 11; ++i) total += static_cast<double>(env->step(1).reward);
  const StepResult goal = env->step(2);
  CHECK(total == -11);
  CHECK(goal.reward == -1);
  CHECK(goal.terminated);
}

TEST_CASE("a table that is no decision process is refused") {
  const auto message = [](const auto& build) {
    TabularMdp mdp(2, 1);
    return error_message([&] {
      build(mdp);
      mdp.finish();
    });
  };
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {0.5, 0, 1, false});
          m.add(1, 0, {1, 0, 1, true});
          m.add_start(0, 1);
        }) == "state 0, action 0: the probabilities sum to 0.5, must be 1");
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {1, 0, 2, false});
          m.add(1, 0, {1, 0, 1, true});
          m.add_start(0, 1);
        }) ==
        "state 0, action 0: an outcome of probability 1, reward 0 and next state 2 of 2 is not possible");
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {1, 0, 1, false});
          m.add(1, 0, {1, 0, 1, true});
          m.exclude(1);
          m.add_start(0, 1);
        }) == "state 0, action 0: the episode goes on in state 1, where no action can be taken");
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {1, 0, 1, true});
          m.add_start(0, 1);
        }) == "a table has outcomes for 1 of 2 pairs");
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {1, 0, 1, true});
          m.add(1, 0, {1, 0, 1, true});
          m.exclude(1);
          m.add_start(1, 1);
        }) == "an episode cannot start in state 1");
  CHECK(message([](TabularMdp& m) {
          m.add(0, 0, {1, 0, 1, true});
          m.add(1, 0, {1, 0, 1, true});
          m.add_start(0, 0.5);
        }) == "the starts' probabilities sum to 0.5, must be 1");
}

}  // namespace
}  // namespace bellman::test
