#include "apps/explain/explained_run.h"

#include <string>
#include <utility>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/resume.h"
#include "core/base/check.h"

namespace bellman {
namespace {

Index updates_of(const ResumePoint& point) {
  return StateReader(point.checkpoint.state, point.path.string()).count("trainer.gradient_updates");
}

/// The newest checkpoint that has fewer than `number` gradient steps behind it; none when all have more.
std::optional<ResumePoint> checkpoint_before(const std::filesystem::path& directory, Index number) {
  for (const std::filesystem::path& path : checkpoints_of(directory)) {
    ResumePoint point = {path, load_checkpoint(path)};
    if (updates_of(point) < number) return point;
  }
  return std::nullopt;
}

}  // namespace

CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::ostream& notes) {
  const ResumePoint newest = find_resume_point(directory, notes);
  const Index made = updates_of(newest);
  if (made == 0)
    fail("run directory ", directory.string(), ": its newest checkpoint has no gradient step behind it");
  const Index wanted = number.value_or(made);
  const std::optional<ResumePoint> start = checkpoint_before(directory, wanted);
  const std::vector<PastSettings>& history = newest.checkpoint.history;
  const std::string source = (start ? start->path : newest.path).string();
  // With whose settings: the checkpoint's, or those that the run began with.
  const std::string& text = start             ? start->checkpoint.config
                            : history.empty() ? newest.checkpoint.config
                                              : history.front().config;
  CapturedUpdate update = capture_update(saved_config(text, source).config,
                                         start ? &start->checkpoint.state : nullptr, source, wanted);
  for (const PastSettings& past : history)
    if (past.until >= (start ? start->checkpoint.timestep : 0) && past.until < update.timestep)
      fail(source, ": gradient step ", wanted, " comes after environment step ", past.until,
           ", where --override changed the settings; there is no checkpoint between the two");
  notes << "Trained again from " << (start ? start->path.filename().string() : "the beginning")
        << " to gradient step " << wanted << ".\n";
  return update;
}

}  // namespace bellman
