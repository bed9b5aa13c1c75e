// What a run leaves behind while it trains: checkpoints, models, and its directory once it is worth keeping.
#pragma once

#include <iosfwd>
#include <string>

#include "apps/run/checkpoint_writer.h"
#include "apps/run/run_directory.h"
#include "rl/train/trainer.h"

namespace bellman {

/// A run that fails before its first episode ends leaves nothing behind; one that fails later leaves its logs.
class KeepOnceRunning final : public MetricSink {
 public:
  explicit KeepOnceRunning(RunDirectory& directory) : directory_(directory) {}
  void on_episode(const EpisodeRecord& /*episode*/) override { directory_.keep(); }

 private:
  RunDirectory& directory_;
};

/// Saves checkpoints and the model while the trainer runs. `notes`: gets a line, which begins with `label`, when training
/// begins to wait for each checkpoint; null: nothing is said. REQUIRES: all of them outlive the training.
void set_hooks(Trainer& trainer, CheckpointWriter& checkpoints, RunDirectory& directory,
               const TrainConfig& config, const std::string& label, std::ostream* notes);

}  // namespace bellman
