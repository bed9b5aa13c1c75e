// What `bellman train` says before a run: what it will do, and what its user may not expect.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/run/device.h"
#include "apps/run/resume_point.h"
#include "apps/settings/resolve.h"
#include "rl/train/trainer.h"

namespace bellman {

/// A sentence each, without a full stop. `resume`: where the run continues; null: it begins.
std::vector<std::string> notes_before(const TrainConfig& config, const Trainer& trainer,
                                      const ResumePoint* resume);

/// Of a run that `ranks` resume: that another build made its checkpoint, or another number of ranks. A
/// sentence each, which names the checkpoint.
std::vector<std::string> notes_on_origin(const ResumePoint& resume, int ranks);

/// Every setting and its origin, network, learner and memory: of a run that is not made (--dry-run).
std::string dry_run_text(const ResolvedConfig& resolved, const Trainer& trainer, const ResumePoint* resume);

/// Of a run that begins: environment, network, learner, device, directory.
std::string announcement(const TrainConfig& config, const Trainer& trainer, const Device& device,
                         const std::filesystem::path& directory);

}  // namespace bellman
