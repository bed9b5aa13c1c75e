// Numbers and foreign text on stdout.

#include "apps/base/json_text.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/base/terminal.h"
#include "core/base/rng.h"
#include "tests/support/parse_json.h"

namespace bellman::test {
namespace {

TEST_CASE("every float reads back to the same bits, from as few digits as can be") {
  CHECK(json_number(0.1F) == "0.1");
  CHECK(json_number(-13.0F) == "-13");
  CHECK(json_number(0.1) == "0.1");
  CHECK(json_number(1e-45F) == "1e-45");
  RandomSequence random({1, Purpose::kTest, 0});
  int tried = 0;
  while (tried < 20000) {
    const float value = std::bit_cast<float>(random.word());
    if (!std::isfinite(value)) continue;
    ++tried;
    const double read = parse_json(json_number(value)).get<double>();
    REQUIRE(std::bit_cast<std::uint32_t>(static_cast<float>(read)) == std::bit_cast<std::uint32_t>(value));
    REQUIRE(shortest_double(value) == read);
  }
}

TEST_CASE("arrays are nested as their shape is") {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  CHECK(json_array(values, {6}) == "[1,2,3,4,5,6]");
  CHECK(json_array(values, {2, 3}) == "[[1,2,3],[4,5,6]]");
  CHECK(json_array(values, {1, 3, 2}) == "[[[1,2],[3,4],[5,6]]]");
}

TEST_CASE("escaped text holds printable ASCII only") {
  CHECK(escaped("0.weight") == "0.weight");
  CHECK(escaped("a\x1b[31m\n\xc3\xa9") == "a\\x1b[31m\\x0a\\xc3\\xa9");
}

TEST_CASE("a table's columns line up") {
  Table table({"name", "n"}, {Align::kLeft, Align::kRight});
  table.add({"a", "1000"});
  table.add({"longer", ""});
  CHECK(table.text() == "name       n\na       1000\nlonger\n");
}

}  // namespace
}  // namespace bellman::test
