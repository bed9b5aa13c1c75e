// The report of a sweep for people: a table of text, and a page for a browser. sweep_files.h has the files
// for programs.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_statistics.h"

namespace bellman {

/// "CartPole-v1: 2 settings, 20 seeds"; it names all environments.
std::string sweep_title(const SweepPlan& plan);

/// Headings and a row of each variant, no line wider than `width`. To fit, the names of the settings are left
/// out, then columns, the least important first; labels are shortened last.
std::vector<std::string> sweep_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries,
                                     std::size_t width = static_cast<std::size_t>(-1));

/// A warning for fewer than ten seeds; empty for more.
std::string few_seeds_warning(const SweepPlan& plan);
/// What became of failed runs in the numbers; empty if none failed.
std::string failed_runs_note(const std::vector<SweepRun>& runs);

/// sweep.html: the table, the learning curves with their bands, and the comparisons (comparison_report.h). It
/// loads nothing from the network.
std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);

}  // namespace bellman
