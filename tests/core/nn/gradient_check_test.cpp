#include "core/nn/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"

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

/// max(x - place, 0) at x = 0.
GradientCheck at_kink(double place, double claimed) {
  std::vector<double> x = {0.0};
  const auto loss = [&] { return std::max(x[0] - place, 0.0); };
  return check_gradient(loss, x, std::vector<double>{claimed});
}

TEST_CASE("check_gradient: a kink beside the value never makes the right slope fail, nor a wrong one pass") {
  int compared = 0;
  for (int i = -4000; i <= 4000; ++i) {
    const double place = (i + 0.5) * 1e-7;
    CAPTURE(place);
    const double right = place < 0 ? 1 : 0;
    const GradientCheck found = at_kink(place, right);
    CHECK(found.compared + found.kinks == 1);
    CHECK(found.relative_error < 1e-6);
    for (const double wrong : {0.5, 1 - right, right + 2e-6})
      CHECK((at_kink(place, wrong).kinks == 1 || at_kink(place, wrong).relative_error > 1e-6));
    compared += static_cast<int>(found.compared);
  }
  CHECK(compared >= 7900);  // all that are farther than the smallest step
}

TEST_CASE("check_gradient: at a corner there are two slopes: it is counted, and nothing is compared") {
  struct Corner {
    const char* name;
    std::function<double(double)> f;
    double at;
  };
  for (const Corner& corner : std::vector<Corner>{
           {"a ReLU at 0", [](double x) { return std::max(x, 0.0); }, 0},
           {"a leaky ReLU at 0", [](double x) { return x > 0 ? x : 0.01 * x; }, 0},
           {"a leaky ReLU that is nearly straight", [](double x) { return x > 0 ? x : 0.99999 * x; }, 0},
           {"a tie of maxima",
            [](double x) {
              return std::max({x, 0.5, 2 * x - 0.5});
            },
            0.5},
           {"a clipped value at its upper bound", [](double x) { return std::clamp(x, -1.0, 1.0); }, 1},
           {"a clipped value at its lower bound", [](double x) { return std::clamp(x, -1.0, 1.0); }, -1},
           {"|x| behind something curved", [](double x) { return std::abs(std::sin(x)) + std::exp(x); }, 0},
           {"a large x", [](double x) { return std::max(x, 1000.0) / 1000; }, 1000}}) {
    CAPTURE(corner.name);
    std::vector<double> x = {corner.at};
    const auto loss = [&] { return corner.f(x[0]); };
    for (const double claimed : {0.0, 0.5, 1.0, 77.0}) {
      const GradientCheck found = check_gradient(loss, x, std::vector<double>{claimed});
      CHECK(found.kinks == 1);
      CHECK(found.compared == 0);
      CHECK(found.relative_error == 0);
      CHECK(found.error_of_zero == 0);
    }
    CHECK(x[0] == corner.at);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isinf(check_gradient(loss, x, std::vector<double>{nan}).relative_error));
  }
}

TEST_CASE("check_gradient: where both slopes are the same it compares, though the second derivative jumps") {
  const auto huber = [](double d) { return std::abs(d) <= 1 ? d * d / 2 : std::abs(d) - 0.5; };
  for (const double edge : {-1.0, 1.0, -1.0 - 1e-5, 1.0 + 3e-5, 1.0 - 1e-4}) {
    CAPTURE(edge);
    std::vector<double> x = {edge};
    const auto loss = [&] { return huber(x[0]); };
    const double slope = std::clamp(edge, -1.0, 1.0);
    const GradientCheck right = check_gradient(loss, x, std::vector<double>{slope});
    CHECK(right.compared == 1);
    CHECK(right.relative_error < 1e-6);
    CHECK(check_gradient(loss, x, std::vector<double>{slope / 2}).relative_error > 0.4);
  }
}

TEST_CASE("check_gradient: a strongly curved loss is compared with a smaller step") {
  // layer_norm of features that are nearly equal: x / sqrt(x^2 + epsilon), whose derivatives grow as
  // epsilon^(-n/2).
  std::vector<double> x = {1e-4};
  const double epsilon = 1e-5;
  const auto loss = [&] { return x[0] / std::sqrt(x[0] * x[0] + epsilon); };
  const double slope = epsilon / std::pow(x[0] * x[0] + epsilon, 1.5);
  const GradientCheck right = check_gradient(loss, x, std::vector<double>{slope});
  CHECK(right.compared == 1);
  CHECK(right.relative_error < 1e-6);
  CHECK(check_gradient(loss, x, std::vector<double>{slope * 1.001}).relative_error > 1e-4);
}

TEST_CASE("check_gradient: it says whether gradients of zero would have passed as well") {
  std::vector<double> x = {1.0, 2.0};
  const auto flat = [&] { return 0.3 + 0 * x[0]; };
  CHECK(check_gradient(flat, x, std::vector<double>{0.0, 0.0}).error_of_zero == 0);
  const auto one_counts = [&] { return 0.3 + 1e-3 * x[1]; };
  CHECK(check_gradient(one_counts, x, std::vector<double>{0.0, 1e-3}).error_of_zero ==
        doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("check_gradient: a large loss brings rounding errors, which are no kinks") {
  std::vector<double> x = {0.3};
  const auto loss = [&] { return 1e6 + std::sin(x[0]); };
  const GradientCheck found = check_gradient(loss, x, std::vector<double>{std::cos(0.3)});
  CHECK(found.compared == 1);
  CHECK(found.relative_error < 1e-6);
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
