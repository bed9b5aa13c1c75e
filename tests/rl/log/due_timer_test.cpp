#include "rl/log/due_timer.h"

#include <algorithm>

#include <doctest/doctest.h>

namespace bellman {
namespace {

/// A run whose steps take `seconds(step)`; the timer is restarted whenever it is due.
struct Stepped {
  int readings = 0, reports = 0;
  double latest = 0;  // by how much a report was late at most
};

template <class Seconds, class IsLong>
Stepped stepped(int steps, const Seconds& seconds, const IsLong& is_long) {
  constexpr double kPeriod = 0.1;
  Stepped run;
  DueTimer timer(kPeriod);
  double now = 0, began = 0;
  timer.restart(now);
  for (int step = 0; step < steps; ++step) {
    now += seconds(step);
    if (is_long(step)) timer.after_long_step();
    const bool due = timer.is_due([&] {
      ++run.readings;
      return now;
    });
    if (!due) continue;
    ++run.reports;
    run.latest = std::max(run.latest, now - began - kPeriod);
    timer.restart(began = now);
  }
  return run;
}

bool never(int /*step*/) { return false; }

TEST_CASE("due by time: short steps read the clock seldom, and are late by a hundredth at most") {
  for (const double step : {1e-7, 1e-6, 1e-5}) {
    CAPTURE(step);
    const int steps = static_cast<int>(1.05 / step);
    const Stepped run = stepped(
        steps, [&](int) { return step; }, never);
    CHECK(run.reports == 10);
    CHECK(run.latest <= 0.001);
    CHECK(run.readings <= steps / 50 + 100);
  }
}

TEST_CASE("due by time: long steps read it each time") {
  const Stepped run = stepped(
      100, [](int) { return 0.03; }, never);
  CHECK(run.readings == 100);
  CHECK(run.reports == 25);
  CHECK(run.latest == doctest::Approx(0.02));
}

TEST_CASE("due by time: steps that suddenly take long make it late by 64 of them, once") {
  const Stepped run = stepped(
      100'000, [](int step) { return step < 99'000 ? 1e-6 : 0.03; }, never);
  CHECK(run.latest <= DueTimer::kMostSteps * 0.03);
  CHECK(run.reports >= (1'000 - DueTimer::kMostSteps) / 4);
}

TEST_CASE("due by time: a long step among short ones that says so is not late") {
  const auto is_long = [](int step) { return step % 100 == 0; };
  const Stepped run = stepped(
      10'000, [&](int step) { return is_long(step) ? 0.15 : 1e-6; }, is_long);
  CHECK(run.reports == 100);
  CHECK(run.latest <= 0.0502);
}

TEST_CASE("due by time: it stays due until it is restarted") {
  DueTimer timer(1);
  timer.restart(5);
  const auto at = [&](double now) { return timer.is_due([&] { return now; }); };
  CHECK(!at(5.5));
  CHECK(at(6));
  CHECK(at(6.5));
  timer.restart(6.5);
  CHECK(!at(7));
  CHECK(at(8));
}

}  // namespace
}  // namespace bellman
