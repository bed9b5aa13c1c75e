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

/// What the config.toml of a run's directory holds: a line that tells whether somebody has edited it since, and
/// config_file_text().
std::string run_config_text(const TrainConfig& config);
/// Whether it is what run_config_text() gave for some run.
bool is_as_written(std::string_view run_config);

class RunFiles {
 public:
  /// Writes config.toml and begins the logs. Throws: Error that names the file.
  RunFiles(const RunDirectory& directory, const TrainConfig& config);
  /// Cuts the logs of an earlier run back to what the checkpoint knows of them and goes on with them; writes
  /// config.toml. Throws: Error, before anything is written, that names a log which is missing, is shorter
  /// than it was, or holds something else than the run wrote. With `new_logs` such a log is begun anew, and
  /// what there is of it gets the name NAME.old.
  RunFiles(const RunDirectory& directory, const TrainConfig& config, const Checkpoint& checkpoint,
           bool new_logs = false);

  void attach(Trainer& trainer) const;
  /// How many bytes of each log have reached its file. REQUIRES: the sinks were flushed.
  std::map<std::string, std::int64_t> sizes() const;
  /// xxh64 of the last bytes of each, as a checkpoint has it. REQUIRES: as sizes().
  std::map<std::string, std::string> tails() const;
  /// Waits until all that the logs hold is on the disk; may be called beside the training. Throws: Error that
  /// names the file.
  void sync() const;

 private:
  std::string tensorboard_name_;
  std::unique_ptr<MonitorCsv> monitor_;
  std::unique_ptr<ProgressCsv> progress_;
  std::unique_ptr<TensorboardWriter> tensorboard_;
};

}  // namespace bellman
