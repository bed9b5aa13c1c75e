// From a trainer to the checkpoints in a run's directory.
#pragma once

#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/checkpoint_writer.h"
#include "apps/run_files.h"
#include "rl/trainer.h"

namespace bellman {

/// The run's state, with what a reader of the file needs to know about it; `history`: the settings that it
/// had before. REQUIRES: trainer and files outlive it.
CheckpointWriter::Source checkpoint_source(Trainer& trainer, const TrainConfig& config,
                                           std::vector<PastSettings> history, const std::string& device,
                                           const RunFiles& files);

}  // namespace bellman
