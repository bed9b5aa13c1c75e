// Chapter 6: the step by hand, and the outlier by closed formulas.
#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

TEST_CASE("course 6: the one transition's step is the one on paper") {
  // s = (1, 2): the hidden layer is (0.5 + 0.25 * 2, max(0, -0.5 - 0.25 * 2 + 0.25)) = (1, 0), Q(s, 1) = 1 - 0.1.
  // s' = (-1, 0): it is (0, 0.5 + 0.25), Q(s', .) = (-0.75 + 0.2, 2 * 0.75 - 0.1).
  const double q = 0.9, y = 1 + 0.9 * 1.4, delta = y - q;
  const Experiment found = course_run("6");
  CHECK(number(found, "target") == doctest::Approx(y).epsilon(1e-6));
  CHECK(number(found, "td_error") == doctest::Approx(delta).epsilon(1e-6));
  CHECK(number(found, "loss") == doctest::Approx(delta * delta).epsilon(1e-6));
  // dL/dQ = -2 delta reaches b2, w2 (the unit that is on has the output 1), and through w2 = 1 the unit's b1 and w1 (1, 2).
  CHECK(number(found, "gradient_norm") ==
        doctest::Approx(2 * delta * std::sqrt(1 + 1 + 1 + 1 + 4)).epsilon(1e-6));
  CHECK(number(found, "parameters_moved") == 5);
  const double unit = (0.5 + 0.01) + (0.25 + 0.01) * 2 + 0.01;
  CHECK(number(found, "q_after") == doctest::Approx(1.01 * unit - 0.1 + 0.01).epsilon(1e-5));
  for (const double step : finding(found, "adams_steps").numbers)
    CHECK(step == doctest::Approx(0.01).epsilon(1e-4));
}

TEST_CASE("course 6: the end of an episode leaves the reward alone in the target") {
  CHECK(number(course_run("6", {"terminated=1", "reward=3"}), "target") == 3);
  CHECK(number(course_run("6", {"gamma=0.5"}), "target") == doctest::Approx(1 + 0.5 * 1.4).epsilon(1e-6));
}

TEST_CASE("course 6: a reward a hundred times as large makes the same first step") {
  const Experiment found = course_run("6", {"reward=100"});
  CHECK(number(found, "gradient_norm") > 40 * number(course_run("6"), "gradient_norm"));
  CHECK(number(found, "q_after") == doctest::Approx(number(course_run("6"), "q_after")).epsilon(1e-5));
}

TEST_CASE("course 6: gradient, step and memory of the outlier follow the formulas") {
  for (const double beta2 : {0.999, 0.99}) {
    const std::string text = beta2 == 0.99 ? "beta2=0.99" : "beta2=0.999";
    CAPTURE(beta2);
    const Experiment found = course_run("6", {text});
    const double b = 32, ordinary = 2 * 0.1 / std::sqrt(b), outlier = 2 * 100 / b;  // gradients of the bias
    CHECK(number(found, "gradient_mse") == doctest::Approx(outlier / ordinary).epsilon(0.1));
    const double most = 0.1 / std::sqrt(1 - beta2);  // Kingma & Ba 2015, section 2.1
    CHECK(number(found, "step_mse") < most + 0.6);
    CHECK(number(found, "step_mse") > 0.85 * most);
    const double added = (1 - beta2) * outlier * outlier * std::pow(beta2, 20), v = ordinary * ordinary;
    CHECK(number(found, "rate_mse") == doctest::Approx(std::sqrt(v / (v + added))).epsilon(0.1));
    CHECK(number(found, "remembered") == doctest::Approx(-1 / std::log(beta2)).epsilon(0.05));
  }
}

TEST_CASE("course 6: Huber's loss bounds the outlier's gradient, with a large delta it is half the square") {
  const Experiment bounded = course_run("6"), wide = course_run("6", {"huber_delta=1e6"});
  CHECK(number(bounded, "gradient_huber") < 5);
  CHECK(number(bounded, "rate_huber") == doctest::Approx(1).epsilon(0.1));
  CHECK(number(wide, "gradient_huber") == doctest::Approx(number(wide, "gradient_mse")).epsilon(0.01));
  CHECK(number(wide, "step_huber") == doctest::Approx(number(wide, "step_mse")).epsilon(0.01));
}

TEST_CASE("course 6: no outlier, no trace") {
  const Experiment found = course_run("6", {"outlier=0"});
  CHECK(number(found, "gradient_mse") < 5);
  CHECK(number(found, "rate_mse") == doctest::Approx(1).epsilon(0.1));
}

TEST_CASE("course 6: it ends when the reader interrupts") {
  for (const Finding& found : course_run("6", {}, true).findings) CHECK(found.name != "remembered");
}

}  // namespace
}  // namespace bellman::test
