// From a trainer to the checkpoints in a run's directory.
#pragma once

#include <string>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/checkpoint_writer.h"
#include "apps/run/run_files.h"
#include "rl/train/trainer.h"

namespace bellman {

/// The run's state, with what a reader of the file needs to know about it; `history`: the settings that it
/// had before. REQUIRES: trainer and files outlive it.
CheckpointWriter::Source checkpoint_source(Trainer& trainer, const TrainConfig& config,
                                           std::vector<PastSettings> history, const std::string& device,
                                           const RunFiles& files);

}  // namespace bellman
