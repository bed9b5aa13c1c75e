// From a run's directory to one of its gradient steps.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>

#include "apps/explain/update_trace.h"

namespace bellman {

/// Gradient step `number` of the run in `directory` (none: the last that its newest checkpoint has), trained again from
/// the newest checkpoint before it, or from the beginning. A line to `notes` says from where. Throws: Error, naming the
/// directory, when there is no checkpoint or no such step, and as capture_update.
CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::ostream& notes);

}  // namespace bellman
