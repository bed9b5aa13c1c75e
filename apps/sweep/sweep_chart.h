// The learning curves of a sweep's page.
#pragma once

#include <vector>

#include "apps/page/markup.h"
#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// Curves with their bands, the series in the order of the variants. Empty when no run was evaluated.
Markup sweep_chart(const SweepPlan& plan, const std::vector<SweepRun>& runs);

}  // namespace bellman
