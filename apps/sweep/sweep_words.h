// What `bellman sweep` says before its first run and after its last.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// "Shard 2 of 8: 3 of 20 runs. "; empty for a whole sweep.
std::string shard_text(const SweepPlan& plan);

/// What is trained, how, and where the files go. Not wrapped.
std::string announcement(const SweepPlan& plan, const ExecutionPlan& execution,
                         const std::filesystem::path& directory, const std::vector<SweepRun>& runs);

/// The table of comparisons, and how to read it. Empty where there is nothing to compare.
std::string comparison_paragraph(const SweepPlan& plan, const std::vector<SweepRun>& runs, std::size_t width);

/// The text under the final table. Not wrapped.
std::string summary_text(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                         const std::filesystem::path& directory);

}  // namespace bellman
