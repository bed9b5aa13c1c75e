// What a sweep says to people: a table, and a page for a browser. apps/sweep/sweep_files.h has the files for
// programs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_statistics.h"

namespace bellman {

/// The runs of a variant that are over, in numbers: the returns are those of the finished ones; one that
/// failed has not solved it. NaN where there is nothing to say.
struct VariantSummary {
  std::size_t finished = 0, failed = 0;
  double mean = 0, std = 0;  // of the final evaluations' mean returns, over the seeds
  double iqm = 0;
  Interval interval;                                              // 95 %, of the iqm
  double solved = 0;                                              // share of those that are over
  Interval solved_bounds;                                         // 95 %, Clopper-Pearson
  double median_steps_to_solve = 0, median_seconds_to_solve = 0;  // not finite unless half solve it
};

/// Of one variant's runs.
VariantSummary summarise(std::span<const SweepRun> runs);
/// One of each variant.
std::vector<VariantSummary> summarise(const SweepPlan& plan, const std::vector<SweepRun>& runs);

/// "CartPole-v1: 2 settings, 20 seeds"; of several environments all are named.
std::string sweep_title(const SweepPlan& plan);

/// Headings and a row of each variant, no line wider than `width`: names of the settings, then columns, are
/// left out for that, the least needed first; labels are shortened last.
std::vector<std::string> sweep_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries,
                                     std::size_t width = static_cast<std::size_t>(-1));

/// What to say to fewer than ten seeds; empty for more.
std::string few_seeds_warning(const SweepPlan& plan);

/// sweep.html: the table, and the learning curves with their bands; needs nothing from the network.
std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);

}  // namespace bellman
