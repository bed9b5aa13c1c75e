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

/// The numbers of runs that can train in one population, in the plan's order.
using PopulationGroup = std::vector<std::size_t>;

/// The plan's runs as groups.
std::vector<PopulationGroup> population_groups(const SweepPlan& plan);
std::vector<TrainConfig> configs_of(const SweepPlan& plan, const PopulationGroup& group);

/// Why the device cannot train the plan's runs as populations, in one line; empty when it can.
std::string unsupported_reason(const SweepPlan& plan, const Device& device);

/// The memory that this takes, for people: "1,024 agents of 3 MiB each, 80,000 MiB free: all at once". At
/// most `most` train at a time. Throws: Error with the numbers when not one agent fits. REQUIRES:
/// unsupported_reason() is empty.
std::string population_plan_text(const SweepPlan& plan, const Device& device, Index most);

/// As run_sweep. Runs with results in `state` are not trained again; runs with a saved state continue from
/// it. Each run's state is saved there from time to time, and when it is cut.
std::vector<RunRecord> run_populations(const SweepPlan& plan, const Device& device, Index most,
                                       const SweepState& state, const SweepKeep& keep,
                                       const std::atomic<bool>& stop, const SweepWatch& watch);

}  // namespace bellman
