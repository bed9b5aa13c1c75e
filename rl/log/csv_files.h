// The CSV files of a run.
//
// monitor.csv: one line an episode, as Stable-Baselines3's Monitor writes it and its load_results reads it.
//
//   #{"t_start": 1700000000.000000, "env_id": "CartPole-v1"}
//   r,l,t
//   21.000000,21,0.001234        return, length in steps, seconds since t_start
//
// progress.csv: one line a row of scalars, with the names that Stable-Baselines3's logger uses where it has
// one. NaN is an empty cell, which pandas reads as NaN.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "rl/log/append_file.h"
#include "rl/log/metric_sink.h"

namespace bellman {

class MonitorCsv final : public MetricSink {
 public:
  /// `start`: when the run started, in seconds since 1970. Throws: Error that names the file.
  MonitorCsv(const std::filesystem::path& path, std::string_view env_id, double start);
  /// Continues after the first `keep_bytes` of an earlier file. Throws: as AppendFile.
  MonitorCsv(const std::filesystem::path& path, std::int64_t keep_bytes) : file_(path, keep_bytes) {}
  std::int64_t size() const { return file_.size(); }
  std::string tail(std::size_t most) const { return file_.tail(most); }
  void on_episode(const EpisodeRecord& episode) override;
  void flush() override { file_.cut(); }
  void sync() const { file_.sync(); }

 private:
  AppendFile file_;
};

class ProgressCsv final : public MetricSink {
 public:
  /// Writes the header line, kScalarNames. Throws: Error that names the file.
  explicit ProgressCsv(const std::filesystem::path& path);
  /// Continues after the first `keep_bytes` of an earlier file. Throws: as AppendFile.
  ProgressCsv(const std::filesystem::path& path, std::int64_t keep_bytes) : file_(path, keep_bytes) {}
  std::int64_t size() const { return file_.size(); }
  std::string tail(std::size_t most) const { return file_.tail(most); }
  /// REQUIRES: scalars are named kScalarNames, in that order.
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;
  void flush() override { file_.cut(); }
  void sync() const { file_.sync(); }

 private:
  AppendFile file_;
  std::string line_;
};

}  // namespace bellman
