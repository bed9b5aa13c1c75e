// Exact values by hand, a small fit whose answer is known, and chapter 4.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/exact_values.h"
#include "apps/course/fitted_q.h"
#include "envs/grid/grid_world.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

const std::atomic<bool> kGoOn = false;

GridTask grid_of(const std::string& rows) {
  return grid_world_task(parse_grid_map(rows, "a test's map"), "Test");
}

TEST_CASE("exact values: a corridor by hand") {
  const GridTask task = grid_of("S.G\n");
  const ExactValues exact(task, 0.5, kGoOn);
  CHECK(exact.states() == States{0, 1});
  CHECK(exact.v() == std::vector<double>{0.5, 1, 0});
  // up, right, down, left
  CHECK(exact.q() == std::vector<double>{0.25, 0.5, 0.25, 0.25, 0.5, 1, 0.5, 0.25, 0, 0, 0, 0});
  const std::vector<double> q = {0, 0, 0, 0.5, 0, 3, 0, 0, 9, 9, 9, 9};  // the goal's row does not count
  CHECK(exact.value_error(q, 0) == 0);
  CHECK(exact.value_error(q, 1) == 2);
  CHECK(exact.mean_value_error(q, exact.states()) == 1);
  CHECK(exact.best_arrows(q, exact.states()) == 0.5);
  CHECK(exact.greedy_value(q) == 0);  // left, into the wall, for ever
  CHECK(exact.greedy_value(exact.q()) == 0.5);
  CHECK(std::abs(exact.error(q, {1}) - std::sqrt((0.25 + 4 + 0.25 + 0.0625) / 4)) <= 1e-15);
}

TEST_CASE("a fit to one-hot observations moves the weights of the trained states alone") {
  const GridTask task = grid_of("S..\n.#.\n..G\n");
  const ExactValues exact(task, 0.9, kGoOn);
  const FittedQ fitted = fit_q(task, exact.q(), {0, 1, 2}, {.steps = 50}, kGoOn);
  CHECK(fitted.untouched == std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1, 1, 1, 1});
  CHECK(exact.error(fitted.q, {0, 1, 2}) < 0.1);
  const auto wall = fitted.q.begin() + 4 * 4;
  CHECK(std::all_of(wall, wall + 4, [](double q) { return q == 0; }));
}

TEST_CASE("a fit to coordinates continues a plane to the states between") {
  const GridTask task = grid_of("S....\n.....\n.....\n.....\n....G\n");
  std::vector<double> plane(25 * 4);
  States trained;
  for (std::int32_t s = 0; s < 24; ++s) {
    for (std::int32_t a = 0; a < 4; ++a)
      plane[static_cast<std::size_t>(4 * s + a)] = 0.1 * (s / 5) - 0.2 * (s % 5) + 0.3 * a;
    if (s % 2 == 0) trained.push_back(s);
  }
  const auto worst = [&](GridObservation observation) {
    const FittedQ fitted = fit_q(task, plane, trained, {.observation = observation, .steps = 1500}, kGoOn);
    double largest = 0;
    for (std::size_t i = 0; i < 24 * 4; ++i) largest = std::max(largest, std::abs(fitted.q[i] - plane[i]));
    return largest;
  };
  CHECK(worst(GridObservation::kCoordinates) < 0.05);
  CHECK(worst(GridObservation::kOneHot) > 0.2);
}

TEST_CASE("a fit is watched at growing distances, repeats with its seed and stops when told") {
  const GridTask task = grid_of("S.\n.G\n");
  const ExactValues exact(task, 0.9, kGoOn);
  std::vector<Index> steps;
  const QFit options = {.steps = 30, .seed = 3};
  const auto watch = [&](Index step, const std::vector<double>&) { steps.push_back(step); };
  const FittedQ first = fit_q(task, exact.q(), {0, 1}, options, kGoOn, watch);
  CHECK(steps.front() == 0);
  CHECK(steps.back() == 30);
  CHECK(std::is_sorted(steps.begin(), steps.end()));
  CHECK(first.q == fit_q(task, exact.q(), {0, 1}, options, kGoOn).q);
  CHECK(first.q != fit_q(task, exact.q(), {0, 1}, {.steps = 30, .seed = 4}, kGoOn).q);
  const std::atomic<bool> stopped = true;
  const FittedQ unlearnt = fit_q(task, exact.q(), {0, 1}, options, stopped);
  CHECK(unlearnt.untouched == std::vector<std::uint8_t>(4, 1));
}

TEST_CASE("chapter 4: one-hot observations say no more of unseen cells than a guess, coordinates much more") {
  const Experiment experiment = course_run("4");
  const double guess = number(experiment, "guess");
  CHECK(number(experiment, "one_hot_trained") < 0.001);
  CHECK(number(experiment, "one_hot_held_out") > 0.8 * guess);
  CHECK(number(experiment, "coordinates_held_out") < 0.3 * guess);
  const std::vector<double> untouched = finding(experiment, "untouched").numbers;
  CHECK(untouched[0] == untouched[1]);
  CHECK(untouched[1] == 17);  // 30 % of 57 cells
  CHECK(finding(course_run("4", {"held_out=0.5", "steps=1"}), "untouched").numbers[1] == 29);
}

TEST_CASE("chapter 4: coordinates put the pocket behind the wall too high, and only behind a wall") {
  const Experiment experiment = course_run("4"), open = course_run("4", {"wall=0"});
  CHECK(number(experiment, "pocket_bias") > 0.04);
  CHECK(std::abs(number(open, "pocket_bias")) < 0.02);
  // Rows 3 to 6 of columns 2 and 3, round the wall's upper end in row 1 and down to row 6, column 8; without it straight.
  double behind = 0, straight = 0;
  for (int row = 3; row <= 6; ++row)
    for (int column = 2; column <= 3; ++column) {
      behind += std::pow(0.9, (row - 1) + (8 - column) + 5 - 1) / 8;
      straight += std::pow(0.9, (6 - row) + (8 - column) - 1) / 8;
    }
  CHECK(std::abs(number(experiment, "pocket_value") - behind) <= 1e-9);
  CHECK(std::abs(number(open, "pocket_value") - straight) <= 1e-9);
}

TEST_CASE("chapter 4 ends early with what it has") {
  const Experiment stopped = course_run("4", {}, true);
  CHECK(finding(stopped, "untouched").numbers[1] == 17);
}

}  // namespace
}  // namespace bellman::test
