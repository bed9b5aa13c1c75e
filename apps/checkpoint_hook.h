// From a trainer between two rounds to a checkpoint in a run's directory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/checkpoint_writer.h"
#include "apps/run_files.h"
#include "rl/trainer.h"

namespace bellman {

/// For Trainer::set_checkpoint_hook: hands over the run's state, with what a reader of the file needs to know
/// about it; `history`: the settings that it had before. Where checkpoints are made on the way, their memory
/// is taken here, before the run. REQUIRES: checkpoints, trainer and files outlive it.
std::function<void(Index timestep)> checkpoint_hook(CheckpointWriter& checkpoints, Trainer& trainer,
                                                    const TrainConfig& config,
                                                    std::vector<PastSettings> history,
                                                    const std::string& device, const RunFiles& files);

}  // namespace bellman
