// How a sweep's runs train: side by side on the processors, or as populations of a device.
#pragma once

#include <optional>
#include <string>

#include "apps/run/device.h"
#include "apps/sweep/sweep_plan.h"

namespace bellman {

struct SweepWay {
  int jobs = 1;                      // at a time, ...
  std::optional<Device> population;  // as populations of this device, when it is one
  std::string text;                  // what that takes of the memory, for people
};

/// As populations where the device of all runs can, otherwise one by one. `jobs`: how many at a time, or
/// "auto": what the machine's processors, or the device, and the memory hold. Throws: Error with the numbers
/// when the memory holds none, for a device that is not there, and for other `jobs`.
SweepWay plan_sweep_way(const SweepPlan& plan, const std::string& jobs);

}  // namespace bellman
