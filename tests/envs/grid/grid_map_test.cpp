// Map files: what they mean, and everything that is wrong with a bad one.
#include "envs/grid/grid_map.h"

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/env.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/toy_text.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

std::string error_of(const std::string& text) {
  return error_message([&] { parse_grid_map(text, "M"); });
}

std::string lake_error_of(const std::string& text) {
  return error_message([&] { parse_frozen_lake_map(text, "M"); });
}

/// Writes a file and gives its path.
std::string written(const TemporaryDirectory& directory, const std::string& name,
                    const std::string& content) {
  const std::string path = (directory / name).string();
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST_CASE("a map with every header") {
  const GridMap map = parse_grid_map(
      "; a comment: with a colon\n"
      "step_cost: 0.04\n"
      "goal_reward :2\n"
      "  pit_reward: -3.5e0  \n"
      "slip: 0.25\n"
      "max_steps: 77\n"
      "solved_return: 0.5\n"
      "a: reward=0.5\n"
      "7:\treward=-1   terminal \n"
      "\n"
      "#S.a#\r\n"
      "#H 7G\n"
      "\n\n",
      "M");
  CHECK(map.rows == std::vector<std::string>{"#S.a#", "#H 7G"});
  CHECK(map.step_cost == 0.04);
  CHECK(map.goal_reward == 2);
  CHECK(map.pit_reward == -3.5);
  CHECK(map.slip == 0.25);
  CHECK(map.max_steps == 77);
  CHECK(map.solved_return == 0.5);
  REQUIRE(map.marks.size() == 2);
  CHECK(map.find_mark('a')->reward == 0.5);
  CHECK(!map.find_mark('a')->terminal);
  CHECK(map.find_mark('7')->reward == -1);
  CHECK(map.find_mark('7')->terminal);
  CHECK(map.find_mark('b') == nullptr);
}

TEST_CASE("comments and empty lines change nothing, and lines are counted with them") {
  const std::vector<std::string> rows = {"S.", "aG"};
  for (const char* text :
       {"a: reward=1\nS.\naG", "\n\na: reward=1\nS.\naG\n\n", "; x\na: reward=1\n;\n\nS.\naG",
        "a: reward=1\n\nS.\n; between: rows\naG\n", "a: reward=1\nS.\naG\n;S\n\n; end"})
    CHECK(parse_grid_map(text, "M").rows == rows);
  CHECK(error_of("; x\nS.\n; y\n.?\n") == "map M: unknown character '?' in row 2, column 2 (line 4)");
  CHECK(error_of(";S\n..\n.G\n;S\n") == "map M: there is no start 'S'");
  CHECK(error_of("S.\n ; no comment\n.G\n").starts_with("map M: unknown character ';' in row 2, column 2"));
  CHECK(error_of("S.\n\n.G\n") == "map M: row 2 has 0 columns, the first row 2 (line 2)");
  CHECK(error_of("; only\n\n;\n") == "map M: there are no rows");

  const std::vector<std::string> lake = {"SF", "HG"};
  for (const char* text :
       {"SF\nHG", "\nSF\nHG\n\n", "\r\n; a lake\r\nSF\r\n; hole\r\nHG\r\n", ";\n\n\nSF\nHG\n; G"})
    CHECK(parse_frozen_lake_map(text, "M") == lake);
  CHECK(lake_error_of("\nSF\nFFG\n") == "map M: row 2 has 3 columns, the first row 2 (line 3)");
  CHECK(lake_error_of("; S\nFF\nFG\n") == "map M: there is no start 'S'");
  CHECK(lake_error_of("SF\nFF\n; G\n") == "map M: there is no goal 'G'");
  CHECK(lake_error_of("SF\n\nFG\n") == "map M: row 2 has 0 columns, the first row 2 (line 2)");
}

TEST_CASE("a map without headers has the documented defaults, and needs no last newline") {
  const GridMap map = parse_grid_map("S.\n.G", "M");
  CHECK(map.rows == std::vector<std::string>{"S.", ".G"});
  CHECK(map.step_cost == 0);
  CHECK(map.goal_reward == 1);
  CHECK(map.pit_reward == -1);
  CHECK(map.slip == 0);
  CHECK(map.max_steps == 16);
  CHECK(std::isnan(map.solved_return));
}

TEST_CASE("a goal may be a letter that is terminal") {
  CHECK(error_of("z: reward=1 terminal\nSz\n") == "no error");
  CHECK(error_of("z: reward=1\nSz\n") == "map M: there is no goal 'G', nor a letter that is terminal");
}

TEST_CASE("a bad map is refused, with the place") {
  CHECK(error_of("") == "map M: there are no rows");
  CHECK(error_of("\n\n\n") == "map M: there are no rows");
  CHECK(error_of("slip: 0.1\n") == "map M: there are no rows");
  CHECK(error_of("..\n.G\n") == "map M: there is no start 'S'");
  CHECK(error_of("..\n.S\n") == "map M: there is no goal 'G', nor a letter that is terminal");
  CHECK(error_of("slip: 0\n\nS.\n.G.\n") == "map M: row 2 has 3 columns, the first row 2 (line 4)");
  CHECK(error_of("S.\n\n.G\n") == "map M: row 2 has 0 columns, the first row 2 (line 2)");
  CHECK(error_of("S.\n.?G\n") == "map M: unknown character '?' in row 2, column 2 (line 2)");
  CHECK(error_of("S.\n.aG\n") == "map M: unknown character 'a' in row 2, column 2 (line 2)");
  CHECK(error_of("S.\n\t.G\n") == "map M: unknown character byte 0x09 in row 2, column 1 (line 2)");
  CHECK(error_of("S\xC3\xA9G\n") == "map M: unknown character byte 0xc3 in row 1, column 2 (line 1)");
  CHECK(error_of(std::string("S\0G\n", 4)) ==
        "map M: unknown character byte 0x00 in row 1, column 2 (line 1)");
  CHECK(error_of("S.G\nslip: 0.1\n") == "map M: unknown character 's' in row 2, column 1 (line 2)");
}

TEST_CASE("a bad header is refused, with its line, key and value") {
  const std::string rows = "\nS.G\n";
  CHECK(error_of("slip: 1.5" + rows) == "map M, line 1: slip is 1.5, must be from 0 to 1");
  CHECK(error_of("slip: nan" + rows) == "map M, line 1: slip is nan, must be from 0 to 1");
  CHECK(error_of("; x\nslip: much" + rows) == "map M, line 2: slip is \"much\", must be a number");
  CHECK(error_of("slip:" + rows) == "map M, line 1: slip is \"\", must be a number");
  CHECK(error_of("slip: 0.1 0.2" + rows) == "map M, line 1: slip is \"0.1 0.2\", must be a number");
  CHECK(error_of("slip: 0\nslip: 0" + rows) == "map M, line 2: \"slip\" is given twice");
  CHECK(error_of("slipp: 0" + rows) == "map M, line 1: unknown key \"slipp\" (did you mean \"slip\"?)");
  CHECK(error_of(":" + rows).starts_with("map M, line 1: unknown key \"\""));
  CHECK(error_of("goal_reward: inf" + rows) ==
        "map M, line 1: goal_reward is inf, must be from -1e+06 to 1e+06");
  CHECK(error_of("step_cost: 1e999" + rows) == "map M, line 1: step_cost is \"1e999\", must be a number");
  CHECK(error_of("max_steps: -1" + rows) == "map M, line 1: max_steps is -1, must be from 0 to 1e+09");
  CHECK(error_of("max_steps: 2.5" + rows) == "map M, line 1: max_steps is 2.5, must be a whole number");
  CHECK(error_of("G: reward=1" + rows) == "map M, line 1: letter G has a meaning of its own");
  CHECK(error_of("a: reward=1" + rows) == "map M: letter 'a' is bound, but not on the map");
  CHECK(error_of("a: 1" + rows) ==
        "map M, line 1: letter a is bound to \"1\", must be \"reward=NUMBER\" or \"reward=NUMBER terminal\"");
  CHECK(
      error_of("a: reward=1 final" + rows) ==
      "map M, line 1: letter a is bound to \"reward=1 final\", must be \"reward=NUMBER\" or \"reward=NUMBER "
      "terminal\"");
  CHECK(error_of("a: reward=x" + rows) == "map M, line 1: a is \"x\", must be a number");
  CHECK(error_of("a: reward=1\na: reward=2" + rows) == "map M, line 2: \"a\" is given twice");
  // A long or unprintable key is shown in part.
  CHECK(error_of(std::string(100'000, 'k') + ": 1" + rows).size() < 300);
  CHECK(error_of("\x1B[2J: 1" + rows).find('\x1B') == std::string::npos);
}

TEST_CASE("a map that is too large is refused") {
  const std::string row(256, '.');
  std::string largest = "S" + row.substr(2) + "G\n";
  for (int i = 1; i < 256; ++i) largest += row + "\n";
  CHECK(error_of(largest) == "no error");
  CHECK(error_of(largest + row + "\n") == "map M: 257 rows, at most 256 are possible");
  CHECK(error_of(row + ".\n") == "map M: row 1 has 257 columns, at most 256 are possible");
  CHECK(error_of(std::string(kMaxMapBytes + 1, ';')) == "map M: 1048577 bytes, at most 1048576 are possible");
  CHECK(error_of(std::string(kMaxMapBytes, '\n')) == "map M: there are no rows");
}

TEST_CASE("map files are read within limits, and a missing one is an error") {
  const TemporaryDirectory directory;
  const std::string good = written(directory, "good", "S.\n.G\n");
  CHECK(read_map_file(good) == "S.\n.G\n");
  CHECK(load_grid_map(good).rows.size() == 2);
  const std::string large = written(directory, "large", std::string(kMaxMapBytes + 1, '.'));
  CHECK(error_message([&] { read_map_file(large); }) ==
        "map file " + large + ": is longer than 1048576 bytes");
  const std::string empty = written(directory, "empty", "");
  CHECK(error_message([&] { load_grid_map(empty); }) == "map " + empty + ": there are no rows");
  CHECK(error_message([] { read_map_file("/nowhere/map"); }) ==
        "map file /nowhere/map: cannot be opened: No such file or directory");
  CHECK(error_message([] { read_map_file("/dev/zero"); }) ==
        "map file /dev/zero: is a device or a socket, not a file");
  const std::string marked = written(directory, "marked", "\xef\xbb\xbfS.\r\n.G\r\n");
  CHECK(load_grid_map(marked).rows == std::vector<std::string>{"S.", ".G"});
  const std::string wide = written(directory, "wide", std::string("\xff\xfeS\0G\0", 6));
  CHECK(error_message([&] { load_grid_map(wide); }) ==
        "map file " + wide + ": is UTF-16 by its byte-order mark: save it as UTF-8");
}

TEST_CASE("a plain map text is read as the same map, and stays as it is") {
  const std::string text =
      "; a comment\n\n  slip :\t0.25 \r\na: reward=2 \t terminal\n;b: reward=1\nmax_steps: 7\n\nS "
      "#\r\na.G\r\n\n\n";
  const std::string plain = plain_map_text(text);
  CHECK(plain == "slip: 0.25\na: reward=2 \t terminal\nmax_steps: 7\nS #\na.G\n");
  CHECK(plain_map_text(plain) == plain);
  const GridMap a = parse_grid_map(text, "M"), b = parse_grid_map(plain, "M");
  CHECK(a.rows == b.rows);
  CHECK(a.slip == b.slip);
  CHECK(a.max_steps == b.max_steps);
  REQUIRE(b.marks.size() == 1);
  CHECK(b.marks[0].terminal);
  CHECK(plain_map_text("SF\r\nFG") == "SF\nFG\n");
}

TEST_CASE("the largest map's plain text fits into a configuration file") {
  std::string text = "; " + std::string(200'000, 'x') + "\n";
  const auto header = [](const std::string& key) {
    return key + ": " + std::string(998 - key.size(), '0') + "\n";
  };
  for (const char* key : {"step_cost", "goal_reward", "pit_reward", "slip", "solved_return"})
    text += header(key);
  text += "S" + std::string(254, '.') + "G\n";
  for (int i = 1; i < 256; ++i) text += std::string(256, '.') + "\n";
  CHECK(error_of(text) == "no error");
  CHECK(plain_map_text(text).size() < 80'000);
  CHECK(error_of("slip: " + std::string(995, '0') + "\nSG\n") ==
        "map M, line 1: it has 1001 characters, at most 1000 are possible");
}

TEST_CASE("every bundled map can be read, under its own name") {
  CHECK(bundled_maps().size() == 4);
  for (const BundledMap& map : bundled_maps()) {
    CAPTURE(map.name);
    CHECK(find_bundled_map(map.name) == &map);
    const GridTask task = grid_world_task(load_grid_map(std::string(map.name)), std::string(map.name));
    CHECK(task.mdp.num_states() == task.rows * task.cols);
  }
  CHECK(find_bundled_map("nothing") == nullptr);
}

TEST_CASE("lakes of one's own: letters, starts, shapes") {
  CHECK(parse_frozen_lake_map("SFF\nFHG\n", "M") == std::vector<std::string>{"SFF", "FHG"});
  CHECK(lake_error_of("") == "map M: there are no rows");
  CHECK(lake_error_of("FF\nFG\n") == "map M: there is no start 'S'");
  CHECK(lake_error_of("SF\nFF\n") == "map M: there is no goal 'G'");
  CHECK(lake_error_of("SF\nFFG\n") == "map M: row 2 has 3 columns, the first row 2 (line 2)");
  CHECK(lake_error_of("SF\n#G\n") == "map M: unknown character '#' in row 2, column 1 (line 2)");

  const TemporaryDirectory directory;
  EnvOptions options;
  options.id = "FrozenLake-v1";
  options.map = written(directory, "lake", "SFS\nFHG\n");
  const auto env = make_env(options);
  CHECK(env->spec().observation_shape == Shape{6});
  CHECK(std::isnan(env->spec().reward_threshold));
  env->seed({1, Purpose::kTest, 0});
  int at_first = 0;
  for (int i = 0; i < 2000; ++i) {
    env->reset();
    const double cell = env->state()[0];
    REQUIRE((cell == 0 || cell == 2));
    at_first += cell == 0;
  }
  CHECK(std::abs(at_first - 1000) <= 5 * std::sqrt(500.0));
}

}  // namespace
}  // namespace bellman::test
