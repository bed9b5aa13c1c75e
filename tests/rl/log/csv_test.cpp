#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rl/log/csv_files.h"
#include "tests/rl/log/content.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

TEST_CASE("monitor.csv: Stable-Baselines3's lines, each there when its episode is over") {
  const TemporaryDirectory directory;
  MonitorCsv sink(directory / "monitor.csv", "CartPole-v1", 1700000000.25);
  const std::string head = "#{\"t_start\": 1700000000.250000, \"env_id\": \"CartPole-v1\"}\nr,l,t\n";
  CHECK(content(directory / "monitor.csv") == head);
  sink.on_episode({.episode_return = 21, .length = 21, .seconds = 0.0012345, .timestep = 21});
  CHECK(content(directory / "monitor.csv") == head + "21.000000,21,0.001234\n");
  sink.on_episode({.episode_return = -0.5, .length = 3, .seconds = 12345.5, .timestep = 24});
  sink.flush();
  CHECK(content(directory / "monitor.csv") == head + "21.000000,21,0.001234\n-0.500000,3,12345.500000\n");
  CHECK(error_message([] { MonitorCsv("/dev/full", "x", 0); }) == "/dev/full: No space left on device");
}

TEST_CASE("monitor.csv: the longest number and a quoted name") {
  const TemporaryDirectory directory;
  MonitorCsv sink(directory / "monitor.csv", "a\"b", 0);
  sink.on_episode({.episode_return = -std::numeric_limits<double>::max(), .length = 1, .seconds = 0});
  const std::string text = content(directory / "monitor.csv");
  CHECK(text.find("\"env_id\": \"a\\\"b\"}") != std::string::npos);
  CHECK(text.ends_with(".000000,1,0.000000\n"));
}

TEST_CASE("progress.csv: a head, then a line a row, with empty cells for what does not exist") {
  const TemporaryDirectory directory;
  ProgressCsv sink(directory / "progress.csv");
  std::string head;
  std::vector<Scalar> row;
  for (const std::string_view name : kScalarNames) {
    head.append(head.empty() ? "" : ",").append(name);
    row.push_back({name, std::numeric_limits<double>::quiet_NaN()});
  }
  row[0].value = 21.5;
  row[2].value = 0.1;
  row[4].value = 100'000;
  row[9].value = 2.5e-4;
  row[10].value = 2e6;
  row[13].value = -1;
  sink.on_scalars(1000, row);
  sink.flush();
  CHECK(content(directory / "progress.csv") == head + "\n21.5,,0.1,,100000,,,,,0.00025,2000000,,,-1,,\n");
}

}  // namespace
}  // namespace bellman::test
