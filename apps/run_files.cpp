#include "apps/run_files.h"

#include <chrono>
#include <vector>

#include "apps/config_file.h"
#include "core/check.h"
#include "core/io/atomic_file.h"

namespace bellman {
namespace {

constexpr const char* kMonitor = "monitor.csv";
constexpr const char* kProgress = "progress.csv";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t size_of(const std::map<std::string, std::int64_t>& sizes, const std::string& name) {
  const auto found = sizes.find(name);
  if (found == sizes.end()) fail("the checkpoint does not say how long ", name, " was");
  return found->second;
}

/// The one log that is none of the others: the event file, whose name holds when the run began.
std::string event_file(const std::map<std::string, std::int64_t>& sizes) {
  for (const auto& [name, bytes] : sizes)
    if (name.starts_with("events.out.tfevents.")) return name;
  fail("the checkpoint does not say how long the TensorBoard event file was");
}

}  // namespace

RunFiles::RunFiles(const RunDirectory& directory, const TrainConfig& config) {
  const double start = seconds_since_1970();
  tensorboard_name_ = tensorboard_file_name(start);
  write_file_atomically(directory / "config.toml", config_file_text(config));
  monitor_ = std::make_unique<MonitorCsv>(directory / kMonitor, config.env.id, start);
  progress_ = std::make_unique<ProgressCsv>(directory / kProgress);
  tensorboard_ = std::make_unique<TensorboardWriter>(directory / tensorboard_name_, seconds_since_1970);
  sync_directory(directory.path());  // no checkpoint outlives the logs that it tells of
}

RunFiles::RunFiles(const RunDirectory& directory, const TrainConfig& config,
                   const std::map<std::string, std::int64_t>& sizes)
    : tensorboard_name_(event_file(sizes)) {
  monitor_ = std::make_unique<MonitorCsv>(directory / kMonitor, size_of(sizes, kMonitor));
  progress_ = std::make_unique<ProgressCsv>(directory / kProgress, size_of(sizes, kProgress));
  tensorboard_ = std::make_unique<TensorboardWriter>(directory / tensorboard_name_, seconds_since_1970,
                                                     size_of(sizes, tensorboard_name_));
  write_file_atomically(directory / "config.toml", config_file_text(config));
}

void RunFiles::attach(Trainer& trainer) const {
  for (MetricSink* sink : std::vector<MetricSink*>{monitor_.get(), progress_.get(), tensorboard_.get()})
    trainer.add_sink(*sink);
}

std::map<std::string, std::int64_t> RunFiles::sizes() const {
  return {{kMonitor, monitor_->size()},
          {kProgress, progress_->size()},
          {tensorboard_name_, tensorboard_->size()}};
}

void RunFiles::sync() const {
  monitor_->sync();
  progress_->sync();
  tensorboard_->sync();
}

}  // namespace bellman
