// Chapter 9: the counterexample beside its closed formulas, and the distance of the two networks.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/baird.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

SquareMatrix two_by_two(double a, double b, double c, double d) {
  SquareMatrix m(2);
  m(0, 0) = a, m(0, 1) = b, m(1, 0) = c, m(1, 1) = d;
  return m;
}

/// The larger eigenvalue of the symmetric part: all of states 1 to 6 have one value a, state 7 has b, and
///   7 da/dt = 10 (gamma b - a) + 2 (gamma - 1) b,   7 db/dt = 12 (gamma b - a) + 5 (gamma - 1) b.
double leading_rate(double gamma) {
  const double trace = (17 * gamma - 15) / 7, determinant = 26 * (1 - gamma) / 49;
  return trace / 2 + std::sqrt(trace * trace / 4 - determinant);
}

TEST_CASE("course 9: the spectral radius of matrices whose eigenvalues are known") {
  CHECK(log_spectral_radius(two_by_two(0.5, 0, 0, -2)) == doctest::Approx(std::log(2)));
  CHECK(log_spectral_radius(two_by_two(0, 3, -3, 0)) == doctest::Approx(std::log(3)));  // +-3i
  CHECK(log_spectral_radius(two_by_two(1, 1, 0, 1)) == doctest::Approx(0).epsilon(1e-9));
  CHECK(log_spectral_radius(two_by_two(1e-30, 0, 0, 1e-40)) == doctest::Approx(std::log(1e-30)));
  CHECK(log_spectral_radius(two_by_two(0, 1, 0, 0)) == -INFINITY);
}

TEST_CASE("course 9: the growth of the triad is that of a two-by-two matrix, and the ops grow as fast") {
  const Experiment found = course_run("9", {"steps=0"});
  const std::vector<double>& triad = finding(found, "triad").numbers;
  CHECK(triad.at(0) == doctest::Approx(std::pow(1 + 0.01 * leading_rate(0.99), 1000)).epsilon(1e-6));
  CHECK(triad.at(1) == doctest::Approx(triad.at(0)).epsilon(1e-3));
  // The loss, a mean of squares, passes float's largest number near values of its root.
  const double expected = 1000 * std::log(std::sqrt(3.4e38) / 10) / std::log(triad.at(0));
  CHECK(number(found, "overflow") == doctest::Approx(expected).epsilon(0.05));
}

TEST_CASE("course 9: without any one of the three, nothing grows") {
  const Experiment found = course_run("9", {"steps=0"});
  CHECK(number(found, "on_policy") == doctest::Approx(1));  // six states are never visited, and stay
  CHECK(number(found, "table") == doctest::Approx(std::pow(1 - 0.01 * 0.01 / 7, 1000)).epsilon(1e-9));
  CHECK(number(found, "no_bootstrap") == doctest::Approx(std::pow(1 - 0.01 * 2 / 7, 1000)).epsilon(1e-9));
  CHECK(number(found, "residual") < 1);
  CHECK(number(course_run("9", {"steps=0", "solid=0.9"}), "on_policy") < 1);
}

TEST_CASE("course 9: it diverges above gamma = 15/17 alone, however small the step") {
  for (const char* const alpha : {"alpha=0.01", "alpha=0.001"}) {
    CHECK(finding(course_run("9", {"steps=0", "updates=10", "gamma=0.882", alpha}), "triad").numbers[0] < 1);
    CHECK(finding(course_run("9", {"steps=0", "updates=10", "gamma=0.8825", alpha}), "triad").numbers[0] > 1);
  }
  CHECK(std::isnan(number(course_run("9", {"steps=0", "gamma=0.8"}), "overflow")));
}

TEST_CASE("course 9: updates from a copy, one after the other, grow as their product says") {
  const Baird baird;
  for (const Index every : {1, 7, 100}) {
    CAPTURE(every);
    const BairdRun run =
        run_baird(baird, BairdStates::kAlike, BairdUpdate::kSemiGradient, every, 41 * every, false);
    // What 40 periods do to the values of the first weights.
    std::vector<double> v = {3, 3, 3, 3, 3, 3, 12};
    const SquareMatrix period = baird_copied_update(baird, every);
    for (int p = 0; p < 40; ++p) {
      std::vector<double> next(7);
      for (std::size_t i = 0; i < 7; ++i)
        for (std::size_t j = 0; j < 7; ++j) next[i] += period(i, j) * v[j];
      v = next;
    }
    double squares = 0;
    for (const double x : v) squares += x * x;
    CHECK(run.value_norms.at(static_cast<std::size_t>(40 * every)) ==
          doctest::Approx(std::sqrt(squares)).epsilon(1e-3));
  }
}

TEST_CASE("course 9: the residual gradient is the gradient of the squared error") {
  // Each update lowers it, whatever the states' weights; the semi-gradient raises it.
  const Baird baird = {.gamma = 0.99, .alpha = 0.05, .solid = 0.7};
  const BairdRun run = run_baird(baird, BairdStates::kAlike, BairdUpdate::kResidualGradient, 1, 3000, false);
  CHECK(run.overflow == -1);
  CHECK(run.value_norms.back() < run.value_norms.front());
  SquareMatrix product(kBairdStates, 1);
  for (int t = 0; t < 100; ++t)
    product = baird_update(baird, BairdStates::kAlike, BairdUpdate::kResidualGradient) * product;
  const std::vector<double> first = {3, 3, 3, 3, 3, 3, 12};
  double squares = 0;
  for (std::size_t i = 0; i < 7; ++i) {
    double v = 0;
    for (std::size_t j = 0; j < 7; ++j) v += product(i, j) * first[j];
    squares += v * v;
  }
  CHECK(run.value_norms.at(100) == doctest::Approx(std::sqrt(squares)).epsilon(1e-3));
}

TEST_CASE("course 9: a smaller step needs rarer copies") {
  const double at_01 = finding(course_run("9", {"steps=0", "updates=10"}), "copy_intervals").numbers[0];
  const double at_1 =
      finding(course_run("9", {"steps=0", "updates=10", "alpha=0.1"}), "copy_intervals").numbers[0];
  CHECK(at_01 == doctest::Approx(77));
  CHECK(at_1 < 12);
}

TEST_CASE("course 9: the target network is further behind the rarer it is copied") {
  const Experiment found = course_run("9", {"updates=10", "steps=2500", "seeds=1"});
  const std::vector<double>& d = finding(found, "distance").numbers;
  CHECK(d.at(0) > 0);
  CHECK(d.at(1) > 3 * d.at(0));
  CHECK(d.at(2) > 2 * d.at(1));
  CHECK(d.at(3) > d.at(0));
  CHECK(d.at(3) < d.at(2));
  const Experiment quick = course_run("9", {"updates=10", "steps=2500", "seeds=1", "tau=1"});
  CHECK(finding(quick, "distance").numbers.at(3) == doctest::Approx(d.at(0)));
}

TEST_CASE("course 9: it ends when the reader interrupts") {
  CHECK(course_run("9", {}, true).findings.empty());
}

}  // namespace
}  // namespace bellman::test
