// What a sweep says to programs: CSV and JSON.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// What --dry-run says: seeds, variants with value and origin of every setting, and `way`, how they would
/// train.
std::string sweep_plan_json(const SweepPlan& plan, const std::string& way);

/// sweep.csv: a row of each run that finished or failed.
std::string runs_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep_curves.csv: a row of each evaluation of each run.
std::string curves_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep.json: all of it. Each variant has every setting, with its JSON type; each run its curve.
std::string sweep_json(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);

}  // namespace bellman
