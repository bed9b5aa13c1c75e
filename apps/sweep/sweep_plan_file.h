// sweep_plan.safetensors: what a sweep trains, for `bellman sweep --resume`. It is a checkpoint
// (apps/run/checkpoint.h), so that a damaged one is found out by its hashes, with the tensors
//   seeds           U64
//   grid            U8: the text "learning_rate,n_step"
//   over            U8: of each run, in the plan's order, 1 when its results were in its file at that moment
//   settings.000000, settings.000001, ...
//                   U8: config.toml of each combination of the grid's values
// Values and labels of the combinations are not there: they follow from the settings.
#pragma once

#include <filesystem>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "rl/train/train_result.h"

namespace bellman {

std::filesystem::path sweep_plan_path(const std::filesystem::path& directory);

/// A sweep as it was when its plan was saved.
struct SavedSweep {
  SweepPlan plan;
  std::vector<bool> over;  // of each run: whether its results were kept
};

/// Atomically. Throws: Error that names the file and the system's reason. REQUIRES: runs are the plan's.
void save_sweep_plan(const std::filesystem::path& path, const SweepPlan& plan,
                     const std::vector<RunRecord>& runs);

/// Throws: Error that names file, tensor and value for whatever plan_sweep() could not have made.
SavedSweep load_sweep_plan(const std::filesystem::path& path);

}  // namespace bellman
