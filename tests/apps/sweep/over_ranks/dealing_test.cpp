// Which ranks get the runs that wait.
#include "apps/sweep/over_ranks/dealing.h"

#include <algorithm>
#include <map>
#include <vector>

#include <doctest/doctest.h>

namespace bellman::test {

namespace {

using Places = std::vector<std::size_t>;

RunPlace idle(double seconds) { return {seconds, std::nullopt}; }
RunPlace busy(double seconds, double running) { return {seconds, running}; }

/// Deals `runs` to ranks with these seconds a run, one at a time each, as time goes on. Returns when the last one ends.
double seconds_to_end(const std::vector<double>& seconds, std::size_t runs) {
  std::vector<RunPlace> places(seconds.size());
  std::vector<double> ends(seconds.size());
  std::size_t waiting = runs, ended = 0;
  constexpr double kStep = 0.125;  // exact, as all times here
  for (double now = 0;; now += kStep) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!places[i].running_for) continue;
      *places[i].running_for += kStep;
      if (now < ends[i]) continue;
      places[i] = idle(seconds[i]);
      if (++ended == runs) return now;
    }
    for (const std::size_t place : places_to_deal(places, waiting)) {
      places[place].running_for = 0.0;
      ends[place] = now + seconds[place];
      --waiting;
    }
  }
}

}  // namespace

TEST_CASE(
    "every rank gets a run first; then the faster ones more, and a slow one nothing that another ends "
    "earlier") {
  CHECK(places_to_deal({}, 3).empty());
  const std::vector<RunPlace> unknown(3);
  CHECK(places_to_deal(unknown, 5) == Places{0, 1, 2});
  CHECK(places_to_deal(unknown, 2) == Places{0, 1});
  CHECK(places_to_deal(unknown, 0).empty());

  const std::vector<RunPlace> both_idle = {idle(10), idle(2)};
  CHECK(places_to_deal(both_idle, 1) == Places{1});
  CHECK(places_to_deal(both_idle, 4) == Places{1});  // four take 8 s there
  Places dealt = places_to_deal(both_idle, 6);
  std::sort(dealt.begin(), dealt.end());
  CHECK(dealt == Places{0, 1});

  const std::vector<RunPlace> fast_is_busy = {idle(10), busy(2, 1)};
  CHECK(places_to_deal(fast_is_busy, 4).empty());
  CHECK(places_to_deal(fast_is_busy, 5) == Places{0});
}

TEST_CASE("a rank that takes far longer than before no longer keeps the others from its runs") {
  CHECK(places_to_deal(std::vector<RunPlace>{idle(10), busy(2, 2)}, 1).empty());
  CHECK(places_to_deal(std::vector<RunPlace>{idle(10), busy(2, 9)}, 1).empty());
  CHECK(places_to_deal(std::vector<RunPlace>{idle(10), busy(2, 11)}, 1) == Places{0});
}

TEST_CASE("a run of unknown length says nothing about when its rank is free") {
  const RunPlace first_run = {std::nullopt, 100.0};
  CHECK(places_to_deal(std::vector<RunPlace>{idle(10), first_run}, 1) == Places{0});
}

TEST_CASE("dealing by speed ends as early as the best division of the runs, once speeds are known") {
  CHECK(seconds_to_end({1, 1}, 10) == 5);
  CHECK(seconds_to_end({1, 1, 1}, 10) == 4);
  // 8 s on the slow one: 1 run there, 8 on the other.
  CHECK(seconds_to_end({1, 8}, 9) == 8);
  // The slow one, free at 8 s, gets no second run: the last ones end at 12 s instead of 16.
  CHECK(seconds_to_end({1, 8}, 13) == 12);
  CHECK(seconds_to_end({8, 1, 1}, 24) == 12);
}

}  // namespace bellman::test
