#include "apps/checkpoint_hook.h"

#include <utility>

#include "apps/config_file.h"

namespace bellman {

std::function<void(Index timestep)> checkpoint_hook(CheckpointWriter& checkpoints, Trainer& trainer,
                                                    const TrainConfig& config,
                                                    std::vector<PastSettings> history,
                                                    const std::string& device, const RunFiles& files) {
  const auto fill = [&trainer, &files, history = std::move(history), device, build = build_id(),
                     text = config_file_text(config)](Checkpoint& checkpoint, StateWriter& state) {
    checkpoint.version = BELLMAN_VERSION;
    checkpoint.build = build;
    checkpoint.device = device;
    checkpoint.config = text;
    checkpoint.history = history;
    checkpoint.logs = files.sizes();
    checkpoint.log_tails = files.tails();
    trainer.save(state);
  };
  if (config.checkpoint_frequency > 0 || config.checkpoint_seconds > 0) checkpoints.prepare(fill);
  return [&checkpoints, fill](Index timestep) {
    checkpoints.write([&](Checkpoint& checkpoint, StateWriter& state) {
      fill(checkpoint, state);
      checkpoint.timestep = timestep;
    });
  };
}

}  // namespace bellman
