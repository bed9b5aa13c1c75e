// Sines and cosines that are the project's own, against libm's.
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "envs/control/lane_math.h"

namespace bellman::test {
namespace {

/// Within one unit in the last place of libm's.
void check_near_libm(const SinCos<double>& actual, double x) {
  CAPTURE(x);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double sine = std::sin(x), cosine = std::cos(x);
  REQUIRE(actual.sin >= std::nextafter(sine, -kInfinity));
  REQUIRE(actual.sin <= std::nextafter(sine, kInfinity));
  REQUIRE(actual.cos >= std::nextafter(cosine, -kInfinity));
  REQUIRE(actual.cos <= std::nextafter(cosine, kInfinity));
}

TEST_CASE("sine and cosine of small angles are within one unit in the last place of libm's") {
  constexpr int kAngles = 200'000;
  for (int i = -kAngles; i <= kAngles; ++i) {
    const double x = kSmallAngle * i / kAngles;
    check_near_libm(sin_cos_of_small(x), x);
  }
  for (const double x : {0.0, -0.0, 1e-300, std::numeric_limits<double>::denorm_min()})
    CHECK(sin_cos_of_small(x).sin == x);
  CHECK(std::isnan(sin_cos_of_small(std::numeric_limits<double>::quiet_NaN()).sin));
}

TEST_CASE("sine and cosine of any angle are within one unit in the last place of libm's") {
  for (const double most : {1.0, 10.0, 2'000.0, kLargestAngle})
    for (std::uint64_t i = 0; i < 50'000; ++i) {
      const RandomWords words = random_words({3, Purpose::kTest, 0}, i);
      const double x = most * (2 * uniform_double(words[0], words[1]) - 1);
      check_near_libm(sin_cos(x), x);
    }
  // Around multiples of pi/4: where the polynomials meet, and where one of the two is nearly 0.
  for (int n = -4'000; n <= 4'000; ++n) {
    double x = n * (3.14159265358979323846 / 4);
    for (int i = 0; i < 3; ++i, x = std::nextafter(x, 1e9)) check_near_libm(sin_cos(x), x);
  }
  for (const double x : {kLargestAngle, -kLargestAngle, 0.0, 1e-300, -1e-300}) check_near_libm(sin_cos(x), x);
  CHECK(std::isnan(sin_cos(std::numeric_limits<double>::quiet_NaN()).sin));
}

}  // namespace
}  // namespace bellman::test
