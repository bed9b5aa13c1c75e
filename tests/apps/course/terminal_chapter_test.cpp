// Chapter 7: the fixed points beside plain sweeps over arrays, and what the networks learnt of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

struct Beam {
  int cells = 7;
  double gamma = 0.99, wind = 0.1, step = 1, fall = 1;
  double beyond = 0;   // of the edge's value, that follows a fall
  double goes_on = 1;  // probability that a step on the beam is no end
};

struct BeamPoint {
  double mean = 0, gap = 0;
};

/// Q by ten thousand sweeps of q[s][a] = E[r + gamma v(s')].
BeamPoint swept(const Beam& beam) {
  std::vector<std::array<double, 2>> q(static_cast<std::size_t>(beam.cells), {0, 0});
  for (int sweep = 0; sweep < 10'000; ++sweep) {
    const auto last = q;
    const auto value = [&](int s) {
      return std::max(last[static_cast<std::size_t>(s)][0], last[static_cast<std::size_t>(s)][1]);
    };
    const auto step = [&](int s, int x) {
      if (x < 0 || x == beam.cells) return beam.fall + beam.gamma * beam.beyond * value(s);
      return beam.step + beam.gamma * beam.goes_on * value(x);
    };
    for (int s = 0; s < beam.cells; ++s)
      for (int a = 0; a < 2; ++a) {
        const int d = a == 0 ? -1 : 1;
        q[static_cast<std::size_t>(s)][static_cast<std::size_t>(a)] =
            (1 - beam.wind) * step(s, s + d) + beam.wind * step(s, s - d);
      }
  }
  BeamPoint point;
  for (const auto& row : q) point.mean += (row[0] + row[1]) / (2.0 * beam.cells);
  point.gap = (q.front()[1] - q.front()[0] + q.back()[0] - q.back()[1]) / 2;
  return point;
}

doctest::Approx near(double value) { return doctest::Approx(value).epsilon(1e-6); }

TEST_CASE("course 7: the exact points are those of plain sweeps") {
  const Experiment found = course_run("7", {"steps=0"});
  const BeamPoint sound = swept({}), unmasked = swept({.beyond = 1}),
                  limit = swept({.goes_on = 1 - 1.0 / 50});
  CHECK(number(found, "sound_q") == near(sound.mean));
  CHECK(number(found, "sound_gap") == near(sound.gap));
  CHECK(number(found, "unmasked_q") == near(unmasked.mean));
  CHECK(number(found, "unmasked_gap") == doctest::Approx(0));
  CHECK(number(found, "limit_q") == near(limit.mean));
}

TEST_CASE("course 7: so are those of other rules") {
  const Experiment found = course_run(
      "7", {"steps=0", "cells=4", "wind=0.25", "gamma=0.9", "step_reward=2", "fall_reward=-3", "limit=10"});
  Beam beam = {.cells = 4, .gamma = 0.9, .wind = 0.25, .step = 2, .fall = -3};
  CHECK(number(found, "sound_q") == near(swept(beam).mean));
  CHECK(number(found, "sound_gap") == near(swept(beam).gap));
  beam.beyond = 1;
  CHECK(number(found, "unmasked_q") == near(swept(beam).mean));
  CHECK(number(found, "unmasked_gap") == near(swept(beam).gap));
  beam.beyond = 0, beam.goes_on = 0.9;
  CHECK(number(found, "limit_q") == near(swept(beam).mean));
}

TEST_CASE("course 7: without the mask every state is worth 1 / (1 - gamma)") {
  CHECK(number(course_run("7", {"steps=0", "gamma=0.9"}), "unmasked_q") == near(10));
  CHECK(number(course_run("7", {"steps=0", "gamma=0.5", "wind=0.4"}), "unmasked_q") == near(2));
}

TEST_CASE("course 7: networks find these points, and only those with the mask know the edges") {
  const Experiment found = course_run("7", {"seeds=1"});
  const std::vector<double>& q = finding(found, "trained_q").numbers;
  CHECK(q.at(0) == doctest::Approx(number(found, "sound_q")).epsilon(0.25));
  CHECK(q.at(1) == doctest::Approx(number(found, "unmasked_q")).epsilon(0.05));
  CHECK(q.at(2) < 0.6 * q.at(0));
  CHECK(finding(found, "trained_gap").numbers.at(0) > 10);
  CHECK(finding(found, "trained_gap").numbers.at(1) == 0);
  CHECK(finding(found, "know_the_edges").numbers == std::vector<double>{1, 0, 1});
  const std::vector<double>& returns = finding(found, "trained_return").numbers;
  CHECK(returns.at(0) > 40);
  CHECK(returns.at(1) < 10);
}

TEST_CASE("course 7: it ends when the reader interrupts") {
  CHECK(course_run("7", {}, true).findings.size() <= 2);
}

}  // namespace
}  // namespace bellman::test
