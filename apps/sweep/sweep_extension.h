// A sweep that gets more seeds and settings than it was begun with.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"

namespace bellman {

/// The plan with the seeds of `seeds` ("0-19"; empty: none) that it has not, and with every combination of
/// the values it has and those of `grid` ("KEY=V,V"); what was there before keeps its place. A key that was
/// in no grid has the value of all runs so far beside the new ones. Throws: Error as plan_sweep(), and for a
/// key whose values differ without being in the grid, or whose new value brings another preset.
SweepPlan extended(const SweepPlan& plan, const std::vector<std::string>& grid, const std::string& seeds);

}  // namespace bellman
