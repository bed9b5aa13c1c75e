#include "rl/config/schedule.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "core/base/check.h"

using namespace bellman;

TEST_CASE("epsilon schedule really moves") {
  const LinearSchedule linear(1.0, 0.05, 1000);
  CHECK(linear(0) == 1.0);
  CHECK(linear(500) == doctest::Approx(0.525).epsilon(1e-15));
  for (Index step = 0; step < 1000; ++step) REQUIRE(linear(step + 1) < linear(step));
  CHECK(linear(1000) == 0.05);
  CHECK(linear(1'000'000'000'000) == 0.05);
  CHECK(linear(-5) == 1.0);

  const ExponentialSchedule exponential(1.0, 0.9995, 0.01);
  CHECK(exponential(0) == 1.0);
  CHECK(exponential(1) == 0.9995);
  // The factor is by the step: compare the recurrence.
  double epsilon = 1.0;
  for (Index step = 1; step <= 9000; ++step) {
    epsilon *= 0.9995;
    REQUIRE(exponential(step) < exponential(step - 1));
    REQUIRE(std::abs(exponential(step) - epsilon) <= 1e-12 * epsilon);
  }
  CHECK(exponential(9500) == 0.01);  // 0.9995^9209 is the last above it
  CHECK(exponential(1'000'000'000'000) == 0.01);
  CHECK(exponential(-5) == 1.0);
}

TEST_CASE("epsilon continues after a resume") {
  // Of the step alone: asked in any order, by another object, it is the same.
  const Schedule first = LinearSchedule(1.0, 0.1, 777), second = ExponentialSchedule(0.9, 0.99, 0.1);
  for (Index step : {400, 3, 776, 400}) {
    CHECK(value_at(first, step) == value_at(LinearSchedule(1.0, 0.1, 777), step));
    CHECK(value_at(second, step) == value_at(ExponentialSchedule(0.9, 0.99, 0.1), step));
  }
  CHECK(value_at(first, 400) != value_at(first, 401));
}

TEST_CASE("schedules of no duration, of no change, and upwards") {
  CHECK(LinearSchedule(1.0, 0.5, 0)(0) == 0.5);
  CHECK(LinearSchedule(0.3, 0.3, 10)(5) == 0.3);
  CHECK(LinearSchedule(0.4, 1.0, 10)(5) == doctest::Approx(0.7));
  CHECK(ExponentialSchedule(0.5, 1.0, 0.0)(1'000'000) == 0.5);
}

TEST_CASE("impossible schedules are refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(LinearSchedule(nan, 1, 10), Error);
  CHECK_THROWS_AS(LinearSchedule(0, 1 / 0.0, 10), Error);
  CHECK_THROWS_AS(LinearSchedule(0, 1, -1), Error);
  CHECK_THROWS_AS(ExponentialSchedule(1, 1.01, 0), Error);
  CHECK_THROWS_AS(ExponentialSchedule(1, 0, 0), Error);
  CHECK_THROWS_AS(ExponentialSchedule(1, nan, 0), Error);
  CHECK_THROWS_AS(ExponentialSchedule(1, 0.9, 1.5), Error);
  CHECK_THROWS_AS(ExponentialSchedule(1, 0.9, -0.5), Error);
  CHECK_THROWS_AS(ExponentialSchedule(-1, 0.9, 0), Error);
}
