// What a sweep says when it ends: a table for people, files for programs, a page for a browser.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/sweep_plan.h"
#include "apps/sweep_runner.h"
#include "apps/sweep_statistics.h"

namespace bellman {

/// The runs of a variant that are over, in numbers: the returns are those of the finished ones; one that
/// failed has not solved it. NaN where there is nothing to say.
struct VariantSummary {
  std::size_t finished = 0, failed = 0;
  double mean = 0, std = 0;  // of the final evaluations' mean returns, over the seeds
  double iqm = 0;
  Interval interval;                                              // 95 %, of the iqm
  double solved = 0;                                              // share of those that are over
  double median_steps_to_solve = 0, median_seconds_to_solve = 0;  // not finite unless half solve it
};

/// Of one variant's runs.
VariantSummary summarise(std::span<const SweepRun> runs);
/// One of each variant.
std::vector<VariantSummary> summarise(const SweepPlan& plan, const std::vector<SweepRun>& runs);

/// "CartPole-v1: 2 settings, 20 seeds"; of several environments all are named.
std::string sweep_title(const SweepPlan& plan);

/// What --dry-run says: seeds, variants with value and origin of every setting, and `way`, how they would
/// train.
std::string sweep_plan_json(const SweepPlan& plan, const std::string& way);

/// A row of each variant.
std::string sweep_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries);

/// sweep.csv: a row of each run that finished or failed.
std::string runs_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep_curves.csv: a row of each evaluation of each run.
std::string curves_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep.json: all of it. Each variant has every setting, as config.toml writes it; each run its curve.
std::string sweep_json(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);
/// sweep.html: the table, and the learning curves with their bands; needs nothing from the network.
std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);

}  // namespace bellman
