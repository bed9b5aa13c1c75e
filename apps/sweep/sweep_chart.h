// The learning curves of a sweep's page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// Ten settings have ten colours, distinct also for people who confuse red and green; further ones have
/// dashed lines.
inline constexpr std::size_t kChartColors = 10;

/// CSS of chart and keys. It uses the page's --ink, --line, --paper, and sets --color for each series.
std::string_view chart_style();

/// A short line in the variant's colour and dashes, for the table.
std::string chart_key(std::size_t variant);

/// Curves with their bands, drawn twice, for wide and for narrow windows; the style shows one of the two. A
/// variant that was evaluated at one timestep is a point. Empty when no run was evaluated.
std::string sweep_chart(const SweepPlan& plan, const std::vector<SweepRun>& runs);

}  // namespace bellman
