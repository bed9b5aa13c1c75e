// The logs of a run: the sinks that write files, new ones or those of a resumed run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>

#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "rl/config/train_config.h"
#include "rl/log/append_file.h"
#include "rl/log/csv_files.h"
#include "rl/log/tensorboard.h"
#include "rl/train/recorder.h"
#include "rl/train/trainer.h"

namespace bellman {

/// The config.toml of a run's directory: config_file_text() after a line with its hash, which reveals later
/// edits.
std::string run_config_text(const TrainConfig& config);
/// Whether the text is a run_config_text(), unedited.
bool is_as_written(std::string_view run_config);

struct RunFilesOptions {
  bool records = false;   // writes diagnostics.csv (rl/train/recorder.h)
  bool new_logs = false;  // a damaged log of a resumed run is renamed NAME.old, and a new one is started
};

/// Copies the logs that belong to the checkpoint of the run in `from`, for a run that continues it elsewhere. Throws:
/// Error that names a log which is missing, too short or changed, before any is copied.
void copy_logs(const std::filesystem::path& from, const Checkpoint& checkpoint, const RunDirectory& to);

/// Makes it a checkpoint of a run that was not recorded: without diagnostics.csv among its logs.
void forget_recording(Checkpoint& checkpoint);

class RunFiles {
 public:
  /// Writes config.toml and starts the logs. Throws: Error that names the file.
  RunFiles(const RunDirectory& directory, const TrainConfig& config, const RunFilesOptions& options = {});
  /// Writes config.toml and appends to the logs of an earlier run. Each counts up to its length in the checkpoint:
  /// what is behind is cut off by its first new record, or by the first flush. Throws: Error, before anything is
  /// written, that names a log which is missing, too short, or changed; Error that names the file, before any log is
  /// cut. Where the run was recorded and is no longer, its diagnostics.csv is kept as far as it belongs to the
  /// checkpoint; where it was not, it begins here.
  RunFiles(const RunDirectory& directory, const TrainConfig& config, const Checkpoint& checkpoint,
           const RunFilesOptions& options = {});

  /// Adds the logs to the trainer's sinks. A line to `notes`, which begins with `label` ("bellman train"), says when
  /// the recording ends early, and when a resumed run's diagnostics.csv has other columns: it is renamed NAME.old, and
  /// a new one begins. REQUIRES: this and `notes` outlive the run.
  void attach(Trainer& trainer, std::string_view label, std::ostream& notes);
  /// The bytes of each log in its file. REQUIRES: the sinks were flushed.
  std::map<std::string, std::int64_t> sizes() const;
  /// xxh64 of the last bytes of each, for a checkpoint. REQUIRES: as sizes().
  std::map<std::string, std::string> tails() const;
  /// Waits until the logs are on the disk. May run in parallel to the training. Throws: Error that names the
  /// file, but for diagnostics.csv: lost() then says what happened.
  void sync() const;
  /// Why rows of diagnostics.csv may not be on the disk; empty: they are.
  std::string lost() const;

 private:
  std::filesystem::path directory_;
  bool records_;
  std::string tensorboard_name_;
  std::unique_ptr<MonitorCsv> monitor_;
  std::unique_ptr<ProgressCsv> progress_;
  std::unique_ptr<TensorboardWriter> tensorboard_;
  std::unique_ptr<AppendFile> diagnostics_;  // null: of a run that was never recorded
  std::unique_ptr<Recorder> recorder_;
  mutable std::mutex mutex_;
  mutable std::string lost_;  // under the mutex
};

}  // namespace bellman
