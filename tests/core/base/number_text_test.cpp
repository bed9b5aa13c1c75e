#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/text.h"

namespace bellman {
namespace {

TEST_CASE("whole numbers have all their digits and no exponent, others the fewest that give them back") {
  const std::vector<std::pair<double, std::string>> texts = {{0, "0"},
                                                             {-0.0, "-0"},
                                                             {7, "7"},
                                                             {100'000, "100000"},
                                                             {-2'000'000, "-2000000"},
                                                             {10'000'000'000, "10000000000"},
                                                             {150'000, "150000"},
                                                             {0x1p53, "9007199254740992"},
                                                             {1e16, "1e+16"},
                                                             {1e300, "1e+300"},
                                                             {0.1, "0.1"},
                                                             {1e-5, "1e-05"},
                                                             {100'000.5, "100000.5"}};
  for (const auto& [value, text] : texts) {
    CHECK(number_text(value) == text);
    if (value != 0.1 && value != 1e-5 && std::abs(value) < 1e30)
      CHECK(number_text(static_cast<float>(value)).find(value == 1e16 ? "1e+16" : "e") ==
            (value == 1e16 ? 0 : std::string::npos));
  }
  CHECK(number_text(100'000.0F) == "100000");
  CHECK(number_text(0.1F) == "0.1");
  CHECK(number_text(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("the text of a number gives it back to the last bit") {
  for (double value = 1e-300; value < 1e300; value *= -31.7) {
    const std::string text = number_text(value);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    CHECK(back == value);
  }
}

}  // namespace
}  // namespace bellman
