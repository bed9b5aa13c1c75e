// Reading observations: valid text is read completely, damaged text is refused, nothing crashes.

#include "apps/commands/observation_json.h"

#include <string>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

TEST_CASE("rows may be flat or nested as the shape, in one text") {
  const Observations read = parse_observations("x", " [[1,2,3,4,5,6],\n[[[1,2,3],[4,5,6.5e0]]]] ", {1, 2, 3});
  CHECK(read.rows == 2);
  CHECK(read.values == std::vector<float>{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6.5F});
}

TEST_CASE("nested rows have the shape at every level") {
  const Shape shape = {2, 2, 2};
  const auto message = [&](const char* text) {
    return error_message([&] { parse_observations("x", text, shape); });
  };
  CHECK(message("[[[[1,2],[3,4]],[[5,6],[7,8]]]]") == "no error");
  CHECK(message("[[[[1,2],[3,4]]]]").find("row 0 has 1 entries") != std::string::npos);
  CHECK(message("[[[[1,2],[3]],[[5,6],[7,8]]]]").find("row 0 has 1 entries") != std::string::npos);
  CHECK(message("[[[[1,2,3],[3,4]],[[5,6],[7,8]]]]").find("row 0 has more than 2 entries") !=
        std::string::npos);
  CHECK(message("[[[[1,2],[3,4],[5,6]],[[5,6],[7,8]]]]").find("row 0 has more than 2 entries") !=
        std::string::npos);
  CHECK(message("[[1,2,3,4,5,6,7,8,9]]").find("row 0 has more than 8 numbers") != std::string::npos);
  CHECK(message("[[1,2,3,4,5,6,7]]").find("row 0 has 7 numbers") != std::string::npos);
  CHECK(message("[[[1,2],[3,4],[5,6],[7,8]]]").find("mixes") != std::string::npos);
  CHECK(message("[[1,2,3,4,[5,6,7,8]]]").find("mixes") != std::string::npos);
  CHECK(message("[[[[1,2],[3,4]],7]]").find("mixes") != std::string::npos);
  CHECK(message("[[[[[1]]]]]").find("deeper") != std::string::npos);
}

TEST_CASE("a file name without the @ gets an error that says so") {
  const TemporaryDirectory top;
  const std::string file = written(top / "observations.json", "[[1]]");
  const auto message = [](const std::string& text) {
    return error_message([&] { read_observations("--obs", text, {1}); });
  };
  CHECK(message("@" + file) == "no error");
  CHECK(message(file).ends_with(" (" + file + " is a file: --obs @" + file + " reads what is in it)"));
  CHECK(message(file + "x").find("@") == std::string::npos);
  CHECK(message(top.path().string()).find("@") == std::string::npos);
  CHECK(message("[[" + std::string(5000, '1')).find("@") == std::string::npos);
}

TEST_CASE("a NUL byte does not end the text") {
  using namespace std::string_literals;
  for (const std::string& text : {"[[1]]\0junk"s, "\0[[1]]"s, "[[1\0]]"s, "[[1]]\0"s}) {
    const std::string message = error_message([&] { parse_observations("x", text, {1}); });
    CHECK(message == "x: byte " + std::to_string(text.find('\0') + 1) + " is NUL, which no text has");
  }
}

TEST_CASE("a row that is too long is refused before its end") {
  const auto message = [](const std::string& text) {
    return error_message([&] { parse_observations("x", text, {2, 1, 3}); });
  };
  CHECK(message("[[1,2,3,4,5,6,7").find("row 0 has more than 6 numbers") != std::string::npos);
  CHECK(message("[[[[1,2,3,4").find("row 0 has more than 3 entries") != std::string::npos);
  CHECK(message("[[[[1,2,3],[").find("row 0 has more than 1 entries") != std::string::npos);
  CHECK(message("[[[[1,2,3]],[[1,2,3]],[").find("row 0 has more than 2 entries") != std::string::npos);
}

TEST_CASE("damaged texts are refused or read, never more") {
  const std::string whole = "[[0.5,-1e2,3,4],[5,6,7,8],[[9,10],[11,12]]]";
  const std::string letters = "[]{},.:\"-+eE0123456789 \n\\ntfu\xff";
  RandomSequence random({3, Purpose::kTest, 0});
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = whole;
    for (int edits = 1 + static_cast<int>(uniform_index(random.word(), 4)); edits > 0; --edits) {
      const auto at = uniform_index(random.word(), static_cast<std::uint32_t>(text.size()));
      const char letter = letters[uniform_index(random.word(), static_cast<std::uint32_t>(letters.size()))];
      switch (uniform_index(random.word(), 3)) {
        case 0:
          text[at] = letter;
          break;
        case 1:
          text.insert(at, 1, letter);
          break;
        default:
          text.erase(at, 1 + uniform_index(random.word(), 3));
          break;
      }
      if (text.empty()) text = "[";
    }
    try {
      const Observations read = parse_observations("x", text, {2, 2});
      REQUIRE(read.values.size() == static_cast<std::size_t>(read.rows) * 4);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 10000);
  CHECK(refused < 20000);
}

}  // namespace
}  // namespace bellman::test
