// A walk on the beam fills a replay ring, and batches are drawn from it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "envs/grid/grid_task.h"

namespace bellman {

struct ReplayPlan {
  Index capacity, batch;
  Index every;  // steps between two batches
  Index steps;  // of the walk
  std::uint64_t seed;
};

struct ReplayDraws {
  static constexpr std::size_t kAgeBins = 30;  // from 0 to the capacity
  std::vector<double> ages, expected_ages;     // (kAgeBins): draws by age, and what the formula expects
  double mean_age = 0, expected_mean_age = 0;
  std::vector<double> times;          // how often a transition was drawn before it was overwritten
  std::vector<double> walked, drawn;  // cells: in the order walked; in the order drawn, once the ring is full
  double variance_walked = 0;         // of the means of `batch` consecutive cells
  double variance_drawn = 0;          // of the means of `batch` drawn ones
};

/// Ends early when `stop` becomes true. REQUIRES: the walk is longer than the capacity.
ReplayDraws draw_from_ring(const GridTask& task, const ReplayPlan& plan, const std::atomic<bool>& stop);

}  // namespace bellman
