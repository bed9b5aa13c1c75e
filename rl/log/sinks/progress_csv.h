// progress.csv: one line a row of scalars, with the names that Stable-Baselines3's logger uses where it has
// one. What a row does not have is an empty cell, which pandas reads as NaN.
#pragma once

#include <filesystem>
#include <string>

#include "rl/log/metric_sink.h"
#include "rl/log/sinks/append_file.h"

namespace bellman {

class ProgressCsv final : public MetricSink {
 public:
  /// Writes the head, kScalarNames. Throws: Error that names the file.
  explicit ProgressCsv(const std::filesystem::path& path);
  /// Goes on after the first `keep_bytes` of an earlier file. Throws: as AppendFile.
  ProgressCsv(const std::filesystem::path& path, std::int64_t keep_bytes) : file_(path, keep_bytes) {}
  std::int64_t size() const { return file_.size(); }
  std::string tail(std::size_t most) const { return file_.tail(most); }
  /// REQUIRES: scalars are named kScalarNames, in that order.
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;
  void sync() const { file_.sync(); }

 private:
  AppendFile file_;
  std::string line_;
};

}  // namespace bellman
