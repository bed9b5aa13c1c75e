#include "core/gradient_check.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/check.h"

namespace bellman {
namespace {

TEST_CASE("check_gradient: a right gradient passes with digits to spare") {
  std::vector<double> x = {0.3, -1.7, 40.0, 1e-3};
  const std::vector<double> before = x;
  const auto loss = [&] { return std::sin(x[0]) + std::exp(x[1]) + x[2] * x[2] / 100 + std::tanh(x[3]); };
  const std::vector<double> gradient = {std::cos(x[0]), std::exp(x[1]), x[2] / 50,
                                        1 - std::tanh(x[3]) * std::tanh(x[3])};
  const GradientCheck found = check_gradient(loss, x, gradient);
  CHECK(found.compared == 4);
  CHECK(found.kinks == 0);
  CHECK(found.relative_error < 1e-9);
  CHECK(x == before);
}

TEST_CASE("check_gradient: a wrong gradient is found, with its place and both values") {
  std::vector<double> x = {1.0, 2.0, 3.0};
  const auto loss = [&] { return x[0] * x[1] * x[2]; };
  const std::vector<double> gradient = {6.0, 3.0 * (1 + 1e-5), 2.0};
  const GradientCheck found = check_gradient(loss, x, gradient);
  CHECK(found.index == 1);
  CHECK(found.relative_error == doctest::Approx(1e-5).epsilon(1e-3));
  CHECK(found.analytic == gradient[1]);
  CHECK(found.numeric == doctest::Approx(3.0).epsilon(1e-9));
}

TEST_CASE("check_gradient: a gradient left out (zero) is found even where it is small") {
  std::vector<double> x = {1.0};
  const auto loss = [&] { return 1 + 1e-6 * x[0]; };
  CHECK(check_gradient(loss, x, std::vector<double>{0.0}).relative_error > 1e-3);
  CHECK(check_gradient(loss, x, std::vector<double>{1e-6}).relative_error < 1e-6);
}

TEST_CASE("check_gradient: a kink within the nudge is counted, not compared; one at the very point fails") {
  const auto kink_at = [](double place, double claimed) {
    std::vector<double> x = {0.0};
    const auto loss = [&] { return std::max(x[0] - place, 0.0); };
    return check_gradient(loss, x, std::vector<double>{claimed});
  };
  for (double place : {1e-6, 3e-5, 7e-5, 1.3e-4, 1.9e-4, -1e-6, -3e-5, -7e-5, -1.3e-4, -1.9e-4}) {
    CAPTURE(place);
    CHECK(kink_at(place, place < 0 ? 1.0 : 0.0).kinks == 1);
    CHECK(kink_at(place, 0.5).kinks == 1);
  }
  CHECK(kink_at(3e-4, 0.0).kinks == 0);
  CHECK(kink_at(3e-4, 0.0).relative_error < 1e-9);
  CHECK(kink_at(0.0, 1.0).relative_error == doctest::Approx(0.5));
}

TEST_CASE("check_gradient: a NaN fails, in the gradient or in the loss") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> x = {1.0, 2.0};
  const auto loss = [&] { return x[0] + x[1]; };
  CHECK(std::isinf(check_gradient(loss, x, std::vector<double>{nan, 1.0}).relative_error));
  const auto nan_loss = [&] { return x[0] + nan; };
  const GradientCheck found = check_gradient(nan_loss, x, std::vector<double>{1.0, 0.0});
  CHECK(found.compared == 2);
  CHECK(std::isinf(found.relative_error));
}

TEST_CASE("check_gradient: a stride leaves values out") {
  std::vector<double> x(10, 1.0);
  const auto loss = [&] { return x[0] + 2 * x[1] + x[4] + x[8]; };
  const std::vector<double> gradient = {1, 0 /* wrong, not looked at */, 0, 0, 1, 0, 0, 0, 1, 0};
  const GradientCheck found = check_gradient(loss, x, gradient, {.stride = 4});
  CHECK(found.compared == 3);
  CHECK(found.relative_error < 1e-9);
}

TEST_CASE("check_gradient: bad arguments") {
  std::vector<double> x = {1.0};
  const auto loss = [&] { return x[0]; };
  CHECK_THROWS_WITH_AS(check_gradient(loss, x, std::vector<double>{1.0, 2.0}),
                       "check_gradient: there are 1 values but 2 gradients", Error);
  CHECK_THROWS_AS(check_gradient(loss, x, std::vector<double>{1.0}, {.step = 0}), Error);
  CHECK_THROWS_AS(check_gradient(loss, x, std::vector<double>{1.0}, {.stride = 0}), Error);
}

}  // namespace
}  // namespace bellman
