// A sweep's comparisons for people: a table of text, and sections of the page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/page/markup.h"
#include "apps/sweep/sweep_comparison.h"

namespace bellman {

/// A table of each variant's final evaluations beside its baseline's. Labels are values alone where whole ones do
/// not fit `width`, and cut where these do not; where numbers leave no room for labels, there is a paragraph a
/// variant. Empty for a sweep of one variant, or where no pair of runs has finished.
std::string comparison_text(const SweepPlan& plan, const std::vector<SweepRun>& runs, std::size_t width);

/// The sections "Each setting beside ...", "Scores of the runs" and "Performance profiles", as far as runs have
/// finished.
Markup comparison_sections(const SweepPlan& plan, const std::vector<SweepRun>& runs);

}  // namespace bellman
