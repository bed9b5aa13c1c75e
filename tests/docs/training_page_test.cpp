// docs/training.md explains the columns that runs write, in the words of `bellman envs --columns`.
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "rl/log/metric_sink.h"

namespace bellman::test {
namespace {

TEST_CASE("the page about a run's files has every column with its meaning") {
  std::ifstream file(std::string(BELLMAN_DOCS) + "/training.md");
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const auto has = [&](std::string_view name, std::string_view meaning) {
    const std::string row = "| `" + std::string(name) + "` | " + std::string(meaning) + " |\n";
    CHECK_MESSAGE(page.find(row) != std::string::npos, row);
  };
  for (std::size_t i = 0; i < kScalarNames.size(); ++i) has(kScalarNames[i], kScalarMeanings[i]);
  for (const ColumnMeaning& column : kMonitorColumns) has(column.name, column.meaning);
}

}  // namespace
}  // namespace bellman::test
