// The logs of a run: the sinks that write files, new ones or those of a resumed run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "rl/config/train_config.h"
#include "rl/log/csv_files.h"
#include "rl/log/tensorboard.h"
#include "rl/train/trainer.h"

namespace bellman {

/// The config.toml of a run's directory: config_file_text() after a line with its hash, which reveals later
/// edits.
std::string run_config_text(const TrainConfig& config);
/// Whether the text is a run_config_text(), unedited.
bool is_as_written(std::string_view run_config);

class RunFiles {
 public:
  /// Writes config.toml and starts the logs. Throws: Error that names the file.
  RunFiles(const RunDirectory& directory, const TrainConfig& config);
  /// Truncates the logs of an earlier run to their lengths in the checkpoint, and appends to them; writes
  /// config.toml. Throws: Error, before anything is written, that names a log which is missing, too short, or
  /// changed. With `new_logs` such a log is renamed NAME.old, and a new one is started.
  RunFiles(const RunDirectory& directory, const TrainConfig& config, const Checkpoint& checkpoint,
           bool new_logs = false);

  void attach(Trainer& trainer) const;
  /// The bytes of each log in its file. REQUIRES: the sinks were flushed.
  std::map<std::string, std::int64_t> sizes() const;
  /// xxh64 of the last bytes of each, for a checkpoint. REQUIRES: as sizes().
  std::map<std::string, std::string> tails() const;
  /// Waits until the logs are on the disk. May run in parallel to the training. Throws: Error that names the
  /// file.
  void sync() const;

 private:
  std::string tensorboard_name_;
  std::unique_ptr<MonitorCsv> monitor_;
  std::unique_ptr<ProgressCsv> progress_;
  std::unique_ptr<TensorboardWriter> tensorboard_;
};

}  // namespace bellman
