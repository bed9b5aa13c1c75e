#include "apps/sweep/over_ranks/dealing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <utility>

namespace bellman {

std::vector<std::size_t> places_to_deal(std::span<const RunPlace> places, std::size_t waiting) {
  std::vector<std::size_t> dealt;
  std::size_t idle = 0;
  for (std::size_t i = 0; i < places.size() && dealt.size() < waiting; ++i)
    if (!places[i].running_for && !places[i].seconds_per_run) dealt.push_back(i);
  waiting -= dealt.size();
  // Every waiting run goes to the place that would be done with it first: (when that is, which place).
  using Done = std::pair<double, std::size_t>;
  std::priority_queue<Done, std::vector<Done>, std::greater<>> next;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto [seconds, running] = places[i];
    if (!seconds) continue;
    idle += !running;
    next.emplace(*seconds + (running ? std::abs(*seconds - *running) : 0.0), i);
  }
  std::vector<bool> has_one(places.size());
  for (; waiting > 0 && idle > 0; --waiting) {
    const auto [done, i] = next.top();
    next.pop();
    next.emplace(done + *places[i].seconds_per_run, i);
    if (places[i].running_for || has_one[i]) continue;
    has_one[i] = true;
    --idle;
    dealt.push_back(i);
  }
  return dealt;
}

}  // namespace bellman
