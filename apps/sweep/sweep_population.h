// A sweep whose runs train whole on a device, many at once (rl/population/population.h).
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "apps/run/device.h"
#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_state.h"

namespace bellman {

/// Numbers of runs that one population can have, in the plan's order.
using PopulationGroup = std::vector<std::size_t>;

/// All of the plan's.
std::vector<PopulationGroup> population_groups(const SweepPlan& plan);
std::vector<TrainConfig> configs_of(const SweepPlan& plan, const PopulationGroup& group);

/// Why the device cannot train the plan's runs so, in one line; empty when it can.
std::string unsupported_reason(const SweepPlan& plan, const Device& device);

/// What it would take, for people: "1,024 agents of 3 MiB each, 80,000 MiB free: all at once".
/// At most `most` train at a time. Throws: Error with the numbers when not one agent fits. REQUIRES:
/// unsupported_reason() is empty.
std::string population_plan_text(const SweepPlan& plan, const Device& device, Index most);

/// As run_sweep; runs whose results the state has are not made again, and those that it has a state of go on.
/// A run that is cut, and every run now and then, leaves its state there.
std::vector<RunRecord> run_populations(const SweepPlan& plan, const Device& device, Index most,
                                       const SweepState& state, const SweepKeep& keep,
                                       const std::atomic<bool>& stop, const SweepWatch& watch);

}  // namespace bellman
