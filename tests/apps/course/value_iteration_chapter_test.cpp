// Chapter 2 beside plain loops over its map's letters, a breadth-first search and the bound's formula.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

const std::vector<std::string> kBushMap = {"b..#...", ".#...#.", ".#.#.#G", "...S..."};
constexpr int kCells = 4 * 7;

char letter(int cell) {
  return kBushMap[static_cast<std::size_t>(cell / 7)][static_cast<std::size_t>(cell % 7)];
}
bool is_played(int cell) { return letter(cell) != '#' && letter(cell) != 'G'; }

/// Up, right, down, left; walls and edges stop it.
int moved(int cell, int action) {
  const int row = cell / 7 + std::array{-1, 0, 1, 0}[static_cast<std::size_t>(action)],
            column = cell % 7 + std::array{0, 1, 0, -1}[static_cast<std::size_t>(action)];
  if (row < 0 || row > 3 || column < 0 || column > 6 || letter(7 * row + column) == '#') return cell;
  return 7 * row + column;
}

using Values = std::vector<double>;  // (kCells, 4)

Values swept(const Values& q, double gamma, double bush) {
  Values out = q;
  for (int s = 0; s < kCells; ++s)
    for (int a = 0; a < 4 && is_played(s); ++a) {
      const int next = moved(s, a);
      const double* const row = q.data() + 4 * static_cast<std::ptrdiff_t>(next);
      out[static_cast<std::size_t>(4 * s + a)] =
          letter(next) == 'G' ? 1
                              : (letter(next) == 'b' ? bush : 0) + gamma * *std::max_element(row, row + 4);
    }
  return out;
}

int sweeps_by_hand(double gamma, double bush, double tolerance) {
  const Values zero(4 * kCells, 0.0);
  Values best = zero;
  for (int k = 0; k < 20'000; ++k) best = swept(best, gamma, bush);
  Values q = zero;
  for (int k = 0;; ++k, q = swept(q, gamma, bush)) {
    double error = 0;
    for (std::size_t i = 0; i < q.size(); ++i) error = std::max(error, std::abs(q[i] - best[i]));
    if (error <= tolerance) return k;
  }
}

/// The most steps that an action takes to the goal, the way after it the shortest.
int farthest_action() {
  std::vector<int> distance(kCells, 1000);
  for (int s = 0; s < kCells; ++s)
    if (letter(s) == 'G') distance[static_cast<std::size_t>(s)] = 0;
  for (int round = 0; round < kCells; ++round)
    for (int s = 0; s < kCells; ++s)
      for (int a = 0; a < 4 && is_played(s); ++a)
        distance[static_cast<std::size_t>(s)] = std::min(distance[static_cast<std::size_t>(s)],
                                                         1 + distance[static_cast<std::size_t>(moved(s, a))]);
  int farthest = 0;
  for (int s = 0; s < kCells; ++s)
    for (int a = 0; a < 4 && is_played(s); ++a)
      farthest = std::max(farthest, 1 + distance[static_cast<std::size_t>(moved(s, a))]);
  return farthest;
}

TEST_CASE("chapter 2 sweeps as often as plain loops over the letters do") {
  CHECK(number(course_run("2"), "sweeps") == sweeps_by_hand(0.99, 0.05, 1e-6));
  CHECK(number(course_run("2", {"gamma=0.9"}), "sweeps") == sweeps_by_hand(0.9, 0.05, 1e-6));
  CHECK(number(course_run("2", {"gamma=0.9", "bush=0.3", "tolerance=0.001"}), "sweeps") ==
        sweeps_by_hand(0.9, 0.3, 1e-3));
}

TEST_CASE("chapter 2: without the bush an action's value is exact once the goal's reward has reached it") {
  const Experiment experiment = course_run("2", {"bush=0"});
  CHECK(number(experiment, "sweeps") == farthest_action());
  CHECK(number(course_run("2", {"bush=0", "in_place=1"}), "sweeps") < farthest_action());
}

TEST_CASE(
    "chapter 2: no sweep leaves more than gamma of the error, and the bush's corner makes it exactly that") {
  for (const std::string_view gamma : {"gamma=0.5", "gamma=0.9", "gamma=0.99"})
    for (const std::string_view slip : {"slip=0", "slip=0.3"})
      for (const std::string_view order : {"in_place=0", "in_place=1"}) {
        CAPTURE(gamma);
        CAPTURE(slip);
        CAPTURE(order);
        const Experiment experiment = course_run("2", {gamma, slip, order});
        const double bound = std::stod(std::string(gamma.substr(6)));
        CHECK(number(experiment, "largest_ratio") <= bound * (1 + 1e-9));
        CHECK(number(experiment, "sweeps") <= number(experiment, "promised"));
        CHECK(number(experiment, "policy_sweeps") <= number(experiment, "sweeps"));
        if (slip == "slip=0") CHECK(number(experiment, "largest_ratio") >= bound * (1 - 1e-6));
      }
}

TEST_CASE("chapter 2: the sweeps that the bound promises follow from the first error") {
  // V* of the bush's corner is 0.05 / (1 - 0.99) = 5; the goal's reward is worth less everywhere.
  CHECK(number(course_run("2"), "promised") == std::ceil(std::log(1e-6 / 5) / std::log(0.99)));
  CHECK(number(course_run("2", {"start=1000"}), "promised") > number(course_run("2"), "promised"));
  CHECK(number(course_run("2", {"gamma=0"}), "sweeps") == 1);
}

TEST_CASE("chapter 2: once every way leads to the bush, all values lack the same") {
  const std::vector<double> lacking = finding(course_run("2"), "lacking_then").numbers;
  REQUIRE(lacking.size() == 2);
  CHECK(lacking[0] > 3);
  CHECK(std::abs(lacking[1] - lacking[0]) <= 1e-9);
}

TEST_CASE("chapter 2 ends early with what it has") {
  const Experiment experiment = course_run("2", {}, true);
  CHECK(number(experiment, "sweeps") == 0);
  CHECK(finding(experiment, "promised").numbers.size() == 1);
}

}  // namespace
}  // namespace bellman::test
