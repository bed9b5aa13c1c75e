// From a run's directory to the point where it can be gone on with.
#pragma once

#include <filesystem>
#include <ostream>
#include <span>
#include <string>

#include "apps/checkpoint.h"
#include "apps/resolve.h"

namespace bellman {

struct ResumePoint {
  std::filesystem::path path;
  Checkpoint checkpoint;
};

/// The newest checkpoint of the directory that is whole; each damaged one is named in a line to `warnings`
/// and passed over. Throws: Error when there is none.
ResumePoint find_resume_point(const std::filesystem::path& directory, std::ostream& warnings);

/// The configuration of the checkpoint, changed by `overrides` ("key=value"). What is asked for beside must
/// be what the run has. Throws: Error that names the settings that differ, or an override that is wrong.
ResolvedConfig resumed_config(const ResumePoint& point, std::span<const Assignment> asked,
                              std::span<const std::string> overrides);

}  // namespace bellman
