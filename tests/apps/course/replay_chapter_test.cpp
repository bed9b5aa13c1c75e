// Chapter 8: ages, draws and correlations beside closed formulas, and the order of the three ways to learn.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/beam.h"
#include "apps/course/beam_walk.h"
#include "core/base/check.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

double part(const Experiment& found, std::string_view name, std::size_t i) {
  return finding(found, name).numbers.at(i);
}

TEST_CASE("course 8: draws are uniform on the ring, and each transition is drawn batch / train_every times") {
  // On a long beam hardly a slot goes to an episode's end.
  const Experiment found =
      course_run("8", {"steps=0", "cells=99", "capacity=200", "walk=100000", "batch=8", "train_every=4"});
  CHECK(part(found, "mean_age", 0) == doctest::Approx(99).epsilon(0.02));
  CHECK(part(found, "mean_age", 1) == doctest::Approx(99).epsilon(0.02));
  CHECK(part(found, "times_drawn", 0) == doctest::Approx(2).epsilon(0.02));
  CHECK(part(found, "times_drawn", 1) == 2);
  CHECK(part(found, "never_drawn", 0) == doctest::Approx(std::exp(-2)).epsilon(0.05));
  CHECK(part(found, "never_drawn", 1) == doctest::Approx(std::exp(-2)));
}

TEST_CASE("course 8: on three cells every second state is the middle one, so that nothing correlates") {
  const std::vector<double> exact = exact_correlation(beam_task({.cells = 3}), 4);
  CHECK(exact[0] == doctest::Approx(1));
  for (const std::size_t k : {1, 2, 3}) CHECK(exact[k] == doctest::Approx(0).epsilon(1e-9));
  const Experiment found = course_run("8", {"steps=0", "cells=3"});
  CHECK(part(found, "worth_consecutive", 1) == doctest::Approx(32));
  CHECK(part(found, "worth_consecutive", 0) == doctest::Approx(32).epsilon(0.05));
}

TEST_CASE("course 8: the correlation of neighbours on a wider beam, by counting") {
  const GridTask task = beam_task({.cells = 9});
  BeamWalk walk(task, 7);
  double n = 0, mean = 0, square = 0, product = 0, last = 0;
  for (int t = 0; t < 400'000; ++t) {
    const double x = walk.next().state - 5;
    if (t > 0) ++n, mean += x, square += x * x, product += x * last;
    last = x;
  }
  mean /= n;
  CHECK(exact_correlation(task, 2)[1] ==
        doctest::Approx((product / n - mean * mean) / (square / n - mean * mean)).epsilon(0.01));
}

TEST_CASE("course 8: independent samples of series whose correlation is known") {
  CHECK(independent_samples(std::vector<double>{1, 0, 0, 0}, 4) == doctest::Approx(4));
  CHECK(independent_samples(std::vector<double>{1, 1, 1, 1}, 4) == doctest::Approx(1));
  // rho_k = 0.9^k, many of them: n (1 - 0.9) / (1 + 0.9)
  std::vector<double> falling;
  for (int k = 0; k < 100'000; ++k) falling.push_back(std::pow(0.9, k));
  CHECK(independent_samples(falling, falling.size()) == doctest::Approx(100'000 * 0.1 / 1.9).epsilon(1e-3));
  CHECK(measured_correlation(std::vector<double>{1, -1, 1, -1, 1, -1}, 3) == std::vector<double>{1, -1, 1});
}

TEST_CASE(
    "course 8: a batch of a small ring is worth less, and the measured variance agrees with the formula") {
  const Experiment small = course_run("8", {"steps=0", "capacity=500"}), large = course_run("8", {"steps=0"});
  for (const Experiment* const found : {&small, &large})
    for (const char* const name : {"worth_consecutive", "worth_drawn"})
      CHECK(part(*found, name, 0) == doctest::Approx(part(*found, name, 1)).epsilon(0.08));
  CHECK(part(large, "worth_consecutive", 1) < 2);
  CHECK(part(large, "worth_drawn", 1) > 25);
  CHECK(part(small, "worth_drawn", 1) < 10);
}

TEST_CASE("course 8: the same steps as they come are learnt worse than in another order") {
  const Experiment found = course_run("8", {"seeds=2", "steps=6000", "walk=20000"});
  const std::vector<double>& error = finding(found, "error").numbers;
  CHECK(error.at(0) < error.at(1));
  CHECK(error.at(1) < error.at(2));
  CHECK(number(found, "online_is_worse") == 2);
  CHECK(part(found, "jump", 0) < part(found, "jump", 2));
}

TEST_CASE(
    "course 8: a walk that does not fill the ring twice is refused; it ends when the reader interrupts") {
  CHECK_THROWS_WITH_AS(course_run("8", {"walk=10000", "capacity=6000"}),
                       "walk is 10000, must be at least twice the capacity, 6000", Error);
  CHECK(course_run("8", {}, true).findings.empty());
}

}  // namespace
}  // namespace bellman::test
