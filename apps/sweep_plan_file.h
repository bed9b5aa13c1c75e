// sweep_plan.safetensors: what a sweep trains, for `bellman sweep --resume`. It is a checkpoint
// (apps/checkpoint.h), so that a damaged one is found out by its hashes, with the tensors
//   seeds           U64
//   grid            U8: the text "learning_rate,n_step"
//   settings.000000, settings.000001, ...
//                   U8: config.toml of each combination of the grid's values
// Values and labels of the combinations are not there: they follow from the settings.
#pragma once

#include <filesystem>

#include "apps/sweep_plan.h"

namespace bellman {

std::filesystem::path sweep_plan_path(const std::filesystem::path& directory);

/// Atomically. Throws: Error that names the file and the system's reason.
void save_sweep_plan(const std::filesystem::path& path, const SweepPlan& plan);

/// Throws: Error that names file, tensor and value for whatever plan_sweep() could not have made.
SweepPlan load_sweep_plan(const std::filesystem::path& path);

}  // namespace bellman
