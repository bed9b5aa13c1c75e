// A run that is another one up to a step, and has other settings from then on: a counterfactual.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace bellman {

struct ForkRequest {
  std::filesystem::path parent;        // a run's directory
  std::int64_t step = 0;               // environment steps that the two have in common
  std::vector<std::string> overrides;  // "key=value"
  std::filesystem::path directory;     // of the fork
  bool overwrite = false;
  bool records = true;  // with a diagnostics.csv
};

/// Leaves in the fork's directory what `train --resume` continues: the parent's logs up to the step and a checkpoint of
/// it. The parent is trained to exactly that step from its newest checkpoint before it, or from its beginning, with the
/// settings that it had; its directory is only read. The overrides are those that a resumed run may have. The fork's
/// history (apps/run/checkpoint.h) names parent and step. A line to `notes` says from where the parent is trained.
/// False: *stop became true; nothing is left. Throws: Error for an override, a step or a directory that will not do.
bool make_fork(const ForkRequest& request, std::ostream& notes, const std::atomic<bool>& stop);

}  // namespace bellman
