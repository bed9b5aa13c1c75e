#include "apps/run/checkpoint_source.h"

#include <utility>

#include "apps/settings/config_file.h"

namespace bellman {

CheckpointWriter::Source checkpoint_source(Trainer& trainer, const TrainConfig& config,
                                           std::vector<PastSettings> history, const std::string& device,
                                           const RunFiles& files) {
  return {.describe =
              [&files, history = std::move(history), device, build = build_id(),
               text = config_file_text(config)](Checkpoint& checkpoint) {
                checkpoint.version = BELLMAN_VERSION;
                checkpoint.build = build;
                checkpoint.device = device;
                checkpoint.config = text;
                checkpoint.history = history;
                checkpoint.logs = files.sizes();
                checkpoint.log_tails = files.tails();
              },
          .save = [&trainer](StateWriter& state) { trainer.save(state); }};
}

}  // namespace bellman
