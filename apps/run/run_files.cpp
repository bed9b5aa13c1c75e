#include "apps/run/run_files.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman {
namespace {

constexpr std::string_view kAsWritten = "# As the run wrote it, xxh64 of what follows: ";

constexpr const char* kMonitor = "monitor.csv";
constexpr const char* kProgress = "progress.csv";
constexpr const char* kDiagnostics = "diagnostics.csv";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

constexpr std::size_t kTailBytes = 4096;

std::int64_t size_of(const std::map<std::string, std::int64_t>& sizes, const std::string& name) {
  const auto found = sizes.find(name);
  if (found == sizes.end()) fail("the checkpoint has no length of ", name);
  return found->second;
}

/// The last bytes of the first `size` of the file.
std::string tail_of(const std::filesystem::path& path, std::int64_t size) {
  std::string bytes(std::min(kTailBytes, static_cast<std::size_t>(size)), '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(size - static_cast<std::int64_t>(bytes.size()));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) fail(path.string(), ": it cannot be read");
  return bytes;
}

/// The damage of a log to which the run had written `size` bytes; empty when there is none.
std::string damage_of(const std::filesystem::path& path, std::int64_t size, const Checkpoint& checkpoint) {
  std::error_code error;
  const auto length = std::filesystem::file_size(path, error);
  if (error) return error == std::errc::no_such_file_or_directory ? "it is missing" : error.message();
  if (static_cast<std::int64_t>(length) < size)
    return "it has " + std::to_string(length) + " bytes, and the run had written " + std::to_string(size);
  const std::string name = path.filename().string(), tail = tail_of(path, size);
  const auto known = checkpoint.log_tails.find(name);
  const bool ends_a_line =
      !name.ends_with(".csv") || tail.ends_with('\n');  // of an earlier build: all there is
  if (known == checkpoint.log_tails.end() ? ends_a_line : known->second == xxh64(tail)) return "";
  return "it was changed: its first " + std::to_string(size) + " bytes do not end as the run wrote them";
}

/// Renames a log, if it is there, to NAME.old, or NAME.old.2 and so on where that is taken: no rows are lost. Returns the new
/// name. Throws: Error.
std::filesystem::path rename_to_old(const std::filesystem::path& path) {
  std::filesystem::path old = path.string() + ".old";
  for (int i = 2; std::filesystem::exists(old); ++i) old = path.string() + ".old." + std::to_string(i);
  std::error_code error;
  std::filesystem::rename(path, old, error);
  if (error && error != std::errc::no_such_file_or_directory)
    fail(path.string(), ": cannot be renamed to ", old.filename().string(), ": ", error.message());
  return old;
}

/// The checkpoint's logs that a resumed run cannot append to. Throws: Error that names the first, unless `new_logs`.
std::set<std::string> damaged_logs(const RunDirectory& directory, const Checkpoint& checkpoint,
                                   const std::vector<std::string>& names, bool new_logs) {
  std::set<std::string> damaged;
  for (const std::string& name : names) {
    const std::filesystem::path path = directory / name;
    const std::string damage = damage_of(path, size_of(checkpoint.logs, name), checkpoint);
    if (damage.empty()) continue;
    if (!new_logs)
      fail(path.string(), ": ", damage, ". Restore the run's own log, or start a new one with --new-logs");
    damaged.insert(name);
  }
  return damaged;
}

/// What is there, with none of it counting, or a new file.
std::unique_ptr<AppendFile> begun_anew(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? std::make_unique<AppendFile>(path, 0)
                                       : std::make_unique<AppendFile>(path);
}

/// Whether the file begins so.
bool begins_with(const std::filesystem::path& path, const std::string& text) {
  std::string bytes(text.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file && bytes == text;
}

/// The event file of TensorBoard, whose name contains the start of the run.
std::string event_file(const std::map<std::string, std::int64_t>& sizes) {
  for (const auto& [name, bytes] : sizes)
    if (name.starts_with("events.out.tfevents.")) return name;
  fail("the checkpoint has no length of the TensorBoard event file");
}

}  // namespace

std::string run_config_text(const TrainConfig& config) {
  const std::string text = config_file_text(config);
  return std::string(kAsWritten) + xxh64(text) + "\n" + text;
}

bool is_as_written(std::string_view run_config) {
  constexpr std::size_t kHashDigits = 16;
  if (!run_config.starts_with(kAsWritten)) return false;
  run_config.remove_prefix(kAsWritten.size());
  return run_config.size() > kHashDigits && run_config[kHashDigits] == '\n' &&
         xxh64(run_config.substr(kHashDigits + 1)) == run_config.substr(0, kHashDigits);
}

void copy_logs(const std::filesystem::path& from, const Checkpoint& checkpoint, const RunDirectory& to) {
  for (const auto& [name, size] : checkpoint.logs)
    if (const std::string damage = damage_of(from / name, size, checkpoint); !damage.empty())
      fail((from / name).string(), ": ", damage);
  for (const auto& [name, size] : checkpoint.logs) {
    std::error_code error;
    std::filesystem::copy_file(from / name, to / name, error);
    if (error) fail((to / name).string(), ": ", error.message());
  }
}

void forget_recording(Checkpoint& checkpoint) {
  checkpoint.logs.erase(kDiagnostics);
  checkpoint.log_tails.erase(kDiagnostics);
}

RunFiles::RunFiles(const RunDirectory& directory, const TrainConfig& config, const RunFilesOptions& options)
    : directory_(directory.path()), records_(options.records) {
  const double start = seconds_since_1970();
  tensorboard_name_ = tensorboard_file_name(start);
  write_file_atomically(directory / "config.toml", run_config_text(config));
  monitor_ = std::make_unique<MonitorCsv>(directory / kMonitor, config.env.id, start);
  progress_ = std::make_unique<ProgressCsv>(directory / kProgress);
  tensorboard_ = std::make_unique<TensorboardWriter>(directory / tensorboard_name_, seconds_since_1970);
  if (records_) diagnostics_ = std::make_unique<AppendFile>(directory / kDiagnostics);
  sync_directory(directory.path());  // so that no checkpoint outlives the logs that it refers to
}

RunFiles::RunFiles(const RunDirectory& directory, const TrainConfig& config, const Checkpoint& checkpoint,
                   const RunFilesOptions& options)
    : directory_(directory.path()),
      records_(options.records),
      tensorboard_name_(event_file(checkpoint.logs)) {
  const std::map<std::string, std::int64_t>& sizes = checkpoint.logs;
  const bool was_recorded = sizes.contains(kDiagnostics);
  std::vector<std::string> names = {kMonitor, kProgress, tensorboard_name_};
  if (records_ && was_recorded) names.emplace_back(kDiagnostics);
  const std::set<std::string> damaged = damaged_logs(directory, checkpoint, names, options.new_logs);
  write_file_atomically(directory / "config.toml", run_config_text(config));  // first: the disk may be full
  for (const std::string& name : damaged) rename_to_old(directory / name);
  const double now = seconds_since_1970();
  monitor_ = damaged.contains(kMonitor)
                 ? std::make_unique<MonitorCsv>(directory / kMonitor, config.env.id, now)
                 : std::make_unique<MonitorCsv>(directory / kMonitor, size_of(sizes, kMonitor));
  progress_ = damaged.contains(kProgress)
                  ? std::make_unique<ProgressCsv>(directory / kProgress)
                  : std::make_unique<ProgressCsv>(directory / kProgress, size_of(sizes, kProgress));
  if (damaged.contains(tensorboard_name_)) {
    tensorboard_name_ = tensorboard_file_name(now);
    tensorboard_ = std::make_unique<TensorboardWriter>(directory / tensorboard_name_, seconds_since_1970);
  } else {
    tensorboard_ = std::make_unique<TensorboardWriter>(directory / tensorboard_name_, seconds_since_1970,
                                                       size_of(sizes, tensorboard_name_));
  }
  const std::filesystem::path diagnostics = directory / kDiagnostics;
  const bool is_new = records_ && (!was_recorded || damaged.contains(kDiagnostics));
  if (is_new)
    diagnostics_ = begun_anew(diagnostics);
  else if (was_recorded &&
           (records_ || damage_of(diagnostics, size_of(sizes, kDiagnostics), checkpoint).empty()))
    diagnostics_ = std::make_unique<AppendFile>(diagnostics, size_of(sizes, kDiagnostics));
  if (!damaged.empty() || is_new) sync_directory(directory.path());
}

void RunFiles::attach(Trainer& trainer, std::string_view label, std::ostream& notes) {
  for (MetricSink* sink : std::vector<MetricSink*>{monitor_.get(), progress_.get(), tensorboard_.get()})
    trainer.add_sink(*sink);
  if (!records_ && diagnostics_) diagnostics_->cut();
  if (!records_) return;
  const std::filesystem::path path = directory_ / kDiagnostics;
  if (diagnostics_->size() > 0 && !begins_with(path, Recorder::head(trainer))) {  // another map or build
    const std::filesystem::path old = rename_to_old(path);
    notes << label << ": note: " << path.string() << " has other columns than this run's rows: it is now "
          << old.filename().string() << ", and a new one begins\n";
    diagnostics_ = std::make_unique<AppendFile>(path);
    sync_directory(directory_);
  }
  recorder_ = std::make_unique<Recorder>(
      trainer, *diagnostics_, [&notes, label = std::string(label)](const std::string& reason) {
        notes << label << ": note: " << reason << "; the run goes on and is no longer recorded\n";
      });
  trainer.add_sink(*recorder_);
}

std::map<std::string, std::int64_t> RunFiles::sizes() const {
  std::map<std::string, std::int64_t> sizes = {{kMonitor, monitor_->size()},
                                               {kProgress, progress_->size()},
                                               {tensorboard_name_, tensorboard_->size()}};
  if (diagnostics_) sizes[kDiagnostics] = diagnostics_->size();
  return sizes;
}

std::map<std::string, std::string> RunFiles::tails() const {
  std::map<std::string, std::string> tails = {{kMonitor, xxh64(monitor_->tail(kTailBytes))},
                                              {kProgress, xxh64(progress_->tail(kTailBytes))},
                                              {tensorboard_name_, xxh64(tensorboard_->tail(kTailBytes))}};
  if (diagnostics_) tails[kDiagnostics] = xxh64(diagnostics_->tail(kTailBytes));
  return tails;
}

void RunFiles::sync() const {
  monitor_->sync();
  progress_->sync();
  tensorboard_->sync();
  if (!diagnostics_) return;
  try {
    diagnostics_->sync();
  } catch (const Error& error) {  // no reason to lose a checkpoint
    const std::lock_guard lock(mutex_);
    lost_ = error.what();
  }
}

std::string RunFiles::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace bellman
