// make_env: ids, options that do not apply, values out of range.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "envs/env.h"
#include "envs/grid/grid_map.h"
#include "envs/grid/tabular_env.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

EnvOptions with_id(const std::string& id) {
  EnvOptions options;
  options.id = id;
  return options;
}

std::string error_of(const EnvOptions& options) {
  return error_message([&] { make_env(options); });
}

/// The error of CartPole-v1 (or another id) with one thing changed.
template <class Change>
std::string error_with(const std::string& id, const Change& change) {
  EnvOptions options = with_id(id);
  change(options);
  return error_of(options);
}

TEST_CASE("every listed environment can be made, and is what it says") {
  std::set<std::string_view> ids;
  for (const EnvEntry& entry : env_entries()) {
    CHECK(ids.insert(entry.id).second);
    const auto env = make_env(with_id(std::string(entry.id)));
    CHECK(env->spec().id == entry.id);
    CHECK(!entry.summary.empty());
    CHECK(env->spec().observation_shape.elements() > 0);
  }
}

TEST_CASE("the environments of a factory are apart, but for the table of their gridworld") {
  for (const EnvEntry& entry : env_entries()) {
    CAPTURE(entry.id);
    const EnvFactory make = env_factory(with_id(std::string(entry.id)));
    const auto one = make(), other = make();
    one->seed({1, Purpose::kTest, 0});
    other->seed({1, Purpose::kTest, 0});
    one->reset();
    one->step(1);
    CHECK(other->state() == make()->state());
    CHECK(one->state() != other->state());
    const TabularEnv *const here = as_tabular(*one), *const there = as_tabular(*other);
    if (here) CHECK(&here->task() == &there->task());
    const std::unique_ptr<Env> alone = make_env(with_id(std::string(entry.id)));
    if (here) CHECK(&here->task() != &as_tabular(*alone)->task());
  }
}

TEST_CASE("limits and thresholds are Gymnasium's") {
  const auto spec = [](const char* id) { return make_env(with_id(id))->spec(); };
  CHECK(spec("CartPole-v0").max_episode_steps == 200);
  CHECK(spec("CartPole-v0").reward_threshold == 195);
  CHECK(spec("CartPole-v1").max_episode_steps == 500);
  CHECK(spec("CartPole-v1").reward_threshold == 475);
  CHECK(spec("CartPole-v1").action_names == std::vector<std::string>{"left", "right"});
  CHECK(spec("CliffWalking-v1").max_episode_steps == 0);
}

TEST_CASE("an unknown environment is refused with the nearest name") {
  CHECK(error_of(with_id("CartPole-v2")) ==
        "unknown environment \"CartPole-v2\" (did you mean \"CartPole-v1\"?)");
  CHECK(error_of(with_id("frozenlake-v1")) ==
        "unknown environment \"frozenlake-v1\" (did you mean \"FrozenLake-v1\"?)");
  CHECK(error_of(with_id("")).starts_with("unknown environment \"\""));
  CHECK(error_of(with_id("gymnasum:LunarLander-v3")) ==
        "unknown environment \"gymnasum:LunarLander-v3\" (did you mean \"gymnasium:LunarLander-v3\"?)");
  CHECK(error_of(with_id("EnvPol:Pong-v5")) ==
        "unknown environment \"EnvPol:Pong-v5\" (did you mean \"envpool:Pong-v5\"?)");
  CHECK(error_of(with_id("something:else")).find("gymnasium:ID, envpool:ID") != std::string::npos);
}

TEST_CASE("an option that does not apply is refused by name") {
  CHECK(error_with("CartPole-v1", [](EnvOptions& o) { o.map = "4x4"; }) ==
        "CartPole-v1 has no option map (it is 4x4)");
  CHECK(error_with("CliffWalking-v1", [](EnvOptions& o) { o.map = "4x4"; }) ==
        "CliffWalking-v1 has no option map (it is 4x4)");
  CHECK(error_with("FourRooms-v0", [](EnvOptions& o) { o.map = "bridge"; }) ==
        "FourRooms-v0 has no option map (it is bridge)");
  CHECK(error_with("CartPole-v0", [](EnvOptions& o) { o.observation = "planes"; }) ==
        "CartPole-v0 has no option observation (it is planes)");
  CHECK(error_with("CartPole-v1", [](EnvOptions& o) { o.slippery = false; }) ==
        "CartPole-v1 has no option slippery (it is false)");
  CHECK(error_with("GridWorld-v0", [](EnvOptions& o) { o.success_rate = 0.5; }) ==
        "GridWorld-v0 has no option success_rate (it is 0.5)");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.slip = 0.5; }) ==
        "FrozenLake-v1 has no option slip (it is 0.5)");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.sutton_barto_reward = true; }) ==
        "FrozenLake-v1 has no option sutton_barto_reward (it is true)");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) {
          o.slippery = false;
          o.success_rate = 0.5;
        }) == "FrozenLake-v1: success_rate is 0.5, but without slippery it has no effect");
}

TEST_CASE("an option out of range is refused with its value") {
  CHECK(error_with("CartPole-v1", [](EnvOptions& o) { o.max_episode_steps = -2; }) ==
        "CartPole-v1: max_episode_steps is -2, must be -1 (the environment's own), 0 (none) or more");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.success_rate = 1.5; }) ==
        "success_rate is 1.5, must be from 0 to 1");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.success_rate = std::nan(""); }) ==
        "success_rate is nan, must be from 0 to 1");
  CHECK(error_with("GridWorld-v0", [](EnvOptions& o) { o.slip = 1.5; }) ==
        "GridWorld-v0: slip is 1.5, must be at most 1");
  CHECK(error_with("GridWorld-v0", [](EnvOptions& o) { o.slip = std::nan(""); }) ==
        "GridWorld-v0: slip is nan, must be at most 1");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.observation = "onehot"; }) ==
        "unknown observation \"onehot\" (did you mean \"one_hot\"?)");
  CHECK(error_with("GridWorld-v0", [](EnvOptions& o) { o.map = "four_room"; }) ==
        "map four_room is neither a file nor a bundled map (did you mean \"four_rooms\"?)");
  CHECK(error_with("FrozenLake-v1", [](EnvOptions& o) { o.map = "/nowhere/lake"; }) ==
        "map /nowhere/lake is neither a file nor 4x4 or 8x8");
  CHECK(error_with("GridWorld-v0", [](EnvOptions& o) { o.map = "/"; }) == "map file /: is a directory");
}

TEST_CASE("an environment whose map was read needs its file no more, and knows how the file is now") {
  const TemporaryDirectory directory;
  const struct {
    const char *id, *text, *other, *difference;
  } kMaps[] = {
      {"FrozenLake-v1", "SF\nFG\n", "SF\nHG\n", "line 2 is \"HG\", it was \"FG\""},
      {"FrozenLake8x8-v1", "SF\nFG\n", "SFF\nFFG\n", "line 1 is \"SFF\", it was \"SF\""},
      {"GridWorld-v0", "slip: 0.5\nS.\n.G\n", "slip: 0.5\nS.\n.G\n..\n", "line 4 is \"..\", it was missing"},
      {"GridWorld-v0", "S.\n.G\n", "S.\n", "there is no goal"}};
  for (const auto& map : kMaps) {
    CAPTURE(map.id);
    EnvOptions options = with_id(map.id);
    const std::filesystem::path path = directory / "map";
    options.map = path.string();
    std::ofstream(path) << map.text;
    CHECK(map_file_now(options).difference.empty());  // nothing to compare it with yet
    read_map(options);
    CHECK(options.map.text == map.text);
    CHECK(map_file_now(options).difference.empty());
    std::ofstream(path) << map.other;
    CHECK(contains(map_file_now(options).difference, map.difference));
    CHECK(make_env(options)->spec().observation_shape.elements() == 4);
    read_map(options);  // changes nothing
    CHECK(options.map.text == map.text);
    std::filesystem::remove(path);
    CHECK(map_file_now(options).is_missing);
    CHECK(map_file_now(options).difference.empty());
    CHECK(make_env(options)->spec().observation_shape.elements() == 4);
  }
}

TEST_CASE("bundled maps and environments without maps have no file") {
  for (const auto& [id, map] : {std::pair("CartPole-v1", ""),
                                {"FrozenLake-v1", ""},
                                {"FrozenLake-v1", "8x8"},
                                {"GridWorld-v0", ""},
                                {"GridWorld-v0", "bridge"}}) {
    EnvOptions options = with_id(id);
    options.map = map;
    read_map(options);
    CHECK(options.map.text.empty());
    CHECK_FALSE(map_file_now(options).is_missing);
  }
  EnvOptions lake = with_id("FrozenLake-v1");
  lake.map = "4x4";
  CHECK(make_env(lake)->spec().reward_threshold == 0.70);
  lake.map.text = "SFFF\nFHFH\nFFFH\nHFFG\n";  // the threshold is of the bundled map, not of its name
  CHECK(std::isnan(make_env(lake)->spec().reward_threshold));
}

TEST_CASE("a map's text from elsewhere is checked like a file") {
  const std::vector<std::string> wrong = {"S",
                                          "SX\n",
                                          "S\x1b[2J\nG\n",
                                          std::string(300, 'S') + "\nG\n",
                                          std::string(kMaxMapBytes + 1, ';'),
                                          std::string("SG\0", 3)};
  for (const char* id : {"FrozenLake-v1", "GridWorld-v0"})
    for (const std::string& text : wrong) {
      EnvOptions options = with_id(id);
      options.map = "M";
      options.map.text = text;
      CHECK(error_message([&] { read_map(options); }).starts_with("map M"));
      CHECK(error_message([&] { make_env(options); }).starts_with("map M"));
    }
}

}  // namespace
}  // namespace bellman::test
