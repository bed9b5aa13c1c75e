// The checkpoint that a run is resumed, forked or explained from.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

#include "apps/run/checkpoint.h"

namespace bellman {

struct ResumePoint {
  std::filesystem::path path;
  Checkpoint checkpoint;
};

/// The checkpoints of the directory, the newest first. Throws: Error when there is none.
std::vector<std::filesystem::path> checkpoints_to_resume(const std::filesystem::path& directory);

/// The point's checkpoint and the older ones beside it, the newest first.
std::vector<std::filesystem::path> checkpoints_from(const ResumePoint& point);

/// load_checkpoint, or load_checkpoint_head.
using LoadCheckpoint = Checkpoint (*)(const std::filesystem::path& path);

/// The first undamaged one of these checkpoints that `is_wanted` accepts; none when it accepts none of them. Each
/// damaged one on the way is skipped and named in a line to `warnings`, which begins with `label`: "bellman train".
/// One for which `is_wanted` throws an Error counts as damaged.
std::optional<ResumePoint> first_undamaged(std::span<const std::filesystem::path> paths,
                                           const std::function<bool(const ResumePoint&)>& is_wanted,
                                           std::string_view label, std::ostream& warnings,
                                           LoadCheckpoint load = load_checkpoint);

/// The newest undamaged checkpoint of the directory; warns and loads as first_undamaged. Throws: Error when there is
/// none.
ResumePoint find_resume_point(const std::filesystem::path& directory, std::string_view label,
                              std::ostream& warnings, LoadCheckpoint load = load_checkpoint);

}  // namespace bellman
