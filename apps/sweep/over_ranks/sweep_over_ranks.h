// A sweep whose runs train on several ranks. Rank 0 owns the directory and deals out the runs; it trains some itself, like all
// others. Results and models travel as messages, so that no other rank needs the directory.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// Rank 0's plan, on every rank; `own` is read on rank 0 alone. Collective.
SweepPlan shared_plan(Ranks& ranks, const SweepPlan& own);

/// As plan_execution(), for this rank's share of its machine; the text is about all ranks. Throws: Error also for a device
/// that trains the runs as populations. Collective.
ExecutionPlan shared_execution(Ranks& ranks, const SweepPlan& plan, const std::string& jobs);

struct RankedSweep {
  std::vector<SweepRun> runs;
  int signal = 0;  // that another rank got, and ended the sweep for
};

/// On rank 0: as run_sweep(), on all ranks. Ends when all other ranks may leave follow_sweep().
RankedSweep lead_sweep(Ranks& ranks, const SweepPlan& plan, int jobs, std::vector<SweepRun> runs,
                       const SweepKeep& keep, const std::atomic<bool>& stop, const SweepWatch& watch);

/// On each other rank: trains the runs that rank 0 deals out, `jobs` at a time. `signal` is that which has set `stop`: rank 0
/// then ends the sweep early.
void follow_sweep(Ranks& ranks, const SweepPlan& plan, int jobs, const std::atomic<bool>& stop,
                  const std::function<int()>& signal);

}  // namespace bellman
