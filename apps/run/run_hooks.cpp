#include "apps/run/run_hooks.h"

#include <ostream>

#include "rl/train/kept_model.h"
#include "rl/train/model_file.h"

namespace bellman {

void set_hooks(Trainer& trainer, CheckpointWriter& checkpoints, RunDirectory& directory,
               const TrainConfig& config, const std::string& label, std::ostream* notes) {
  if (saves_while_training(config)) checkpoints.prepare();
  trainer.set_checkpoint_hook(
      config.checkpoint_frequency,
      [&checkpoints, &directory, label, notes](Index timestep) {
        directory.keep();  // a later failure does not remove a checkpoint
        const bool copied = checkpoints.copies();
        checkpoints.write(timestep);
        if (notes && copied && !checkpoints.copies())
          *notes << label
                 << ": note: from now on training waits for each checkpoint to be written: "
                    "there is no memory for a copy\n";
      },
      [&checkpoints, seconds = config.checkpoint_seconds] { return checkpoints.is_due(seconds); });
  trainer.set_model_hook([&trainer, &directory, config] {
    directory.keep();
    save_model(directory / "model.safetensors", kept_model(config, trainer));
  });
}

}  // namespace bellman
