#include "apps/run/resume_point.h"

#include <algorithm>
#include <utility>

#include "apps/run/run_directory.h"
#include "core/base/check.h"

namespace bellman {

std::vector<std::filesystem::path> checkpoints_to_resume(const std::filesystem::path& directory) {
  refuse_sweep(directory);
  std::vector<std::filesystem::path> all = checkpoints_of(directory);
  if (all.empty()) fail("run directory ", directory.string(), ": there is no checkpoint to resume from");
  return all;
}

std::vector<std::filesystem::path> checkpoints_from(const ResumePoint& point) {
  std::vector<std::filesystem::path> all = checkpoints_of(point.path.parent_path());
  all.erase(all.begin(), std::ranges::find(all, point.path));
  return all;
}

std::optional<ResumePoint> first_undamaged(std::span<const std::filesystem::path> paths,
                                           const std::function<bool(const ResumePoint&)>& is_wanted,
                                           std::string_view label, std::ostream& warnings,
                                           LoadCheckpoint load) {
  for (const std::filesystem::path& path : paths) {
    try {
      ResumePoint point = {path, load(path)};
      if (is_wanted(point)) return point;
    } catch (const Error& error) {
      warnings << label << ": " << error.what() << "; trying the previous one\n";
    }
  }
  return std::nullopt;
}

ResumePoint find_resume_point(const std::filesystem::path& directory, std::string_view label,
                              std::ostream& warnings, LoadCheckpoint load) {
  const std::vector<std::filesystem::path> all = checkpoints_to_resume(directory);
  std::optional<ResumePoint> newest = first_undamaged(
      all, [](const ResumePoint&) { return true; }, label, warnings, load);
  if (newest) return *std::move(newest);
  fail("run directory ", directory.string(), ": none of its ", all.size(), " checkpoints is undamaged");
}

}  // namespace bellman
