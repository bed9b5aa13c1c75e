// How the runs of a sweep train: as populations of a device (sweep_population.h), or several at a time on the
// CPU, each on one thread. A run on the CPU gives the numbers of `bellman train` with its seed and settings,
// whatever runs beside it.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/ranks/machine_share.h"
#include "apps/run/device.h"
#include "apps/sweep/sweep_plan.h"
#include "rl/train/model_file.h"
#include "rl/train/train_result.h"

namespace bellman {

using SweepRun = RunRecord;
/// Called with all runs.
using SweepWatch = std::function<void(const std::vector<SweepRun>&)>;
/// Saves a run that is over, and its model if it finished (null: it failed). Several threads may call it at
/// once, for different runs.
using SweepKeep = std::function<void(std::size_t run, const SweepRun&, const Model*)>;

/// The runs of a variant. REQUIRES: runs are the plan's.
std::span<const SweepRun> runs_of(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                                  std::size_t variant);

struct ExecutionPlan {
  int jobs = 1;                      // runs at a time, ...
  std::optional<Device> population;  // ... as populations of this device, if it has a value
  std::string text;                  // the memory that this takes, for people
};

/// As populations if the device of all runs can train them, otherwise on the CPU. `jobs`: the number of runs
/// at a time, or "auto": as many as processors, or the device, and memory allow. Throws: Error with the
/// numbers when there is not enough memory for one, for a device that is missing, and for other `jobs`.
ExecutionPlan plan_execution(const SweepPlan& plan, const std::string& jobs, const MachineShare& share = {});

/// What training a run came to.
struct SweepOutcome {
  RunState state = RunState::kFailed;
  TrainResult result;
  std::string error;  // of kFailed
};
/// Trains a run on one thread, this one, on the device of its settings. *stop cuts it. `model`: of a run that finished.
SweepOutcome train_run(const SweepPlan& plan, std::size_t run, const std::atomic<bool>& stop,
                       MetricSink& sink, std::optional<Model>& model);
/// Puts it into the run's record, which has its curve.
void complete(SweepRun& record, const SweepOutcome& outcome);

/// Trains the waiting runs on `jobs` threads, in the plan's order, and leaves the others as they are. Calls
/// `watch` with all runs about ten times a second and at the end, in the caller's thread; no run changes
/// meanwhile. When *stop becomes true, running ones are cut (kCut) and no other starts. A run that fails (a
/// loss that is not finite) is kFailed; the others continue. Calls `keep` with each that is over. Throws: as
/// `keep`. REQUIRES: runs are the plan's.
std::vector<SweepRun> run_sweep(const SweepPlan& plan, int jobs, std::vector<SweepRun> runs,
                                const SweepKeep& keep, const std::atomic<bool>& stop,
                                const SweepWatch& watch);

}  // namespace bellman
