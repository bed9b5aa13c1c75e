// Trains the runs of a sweep, some at a time, each on one thread and by itself: its numbers are those of
// `bellman train` with its seed and settings, whatever runs beside it.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "rl/train/model_file.h"
#include "rl/train/train_result.h"

namespace bellman {

using SweepRun = RunRecord;
/// Is shown all runs.
using SweepWatch = std::function<void(const std::vector<SweepRun>&)>;
/// Keeps what a run came to, and its model when it has finished (null: it failed). Several threads may call
/// it at once, for different runs.
using SweepKeep = std::function<void(std::size_t run, const SweepRun&, const Model*)>;

/// Those of a variant. REQUIRES: runs are the plan's.
std::span<const SweepRun> runs_of(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                                  std::size_t variant);

/// Trains those that wait on `jobs` threads, in the plan's order, and leaves the others as they are. Calls
/// `watch` with all runs about ten times a second and at the end, in the caller's thread; no run changes
/// meanwhile. When *stop becomes true the runs that train are cut (kCut) and no other begins. A run that
/// fails (a loss that is not finite) is kFailed; the others go on. Calls `keep` with each that is over.
/// Throws: what `keep` does. REQUIRES: runs are the plan's.
std::vector<SweepRun> run_sweep(const SweepPlan& plan, int jobs, std::vector<SweepRun> runs,
                                const SweepKeep& keep, const std::atomic<bool>& stop,
                                const SweepWatch& watch);

}  // namespace bellman
