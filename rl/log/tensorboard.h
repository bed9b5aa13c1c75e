// A TensorBoard event file, written by hand: no protobuf, no TensorFlow.
//
// The file is a sequence of records (TensorFlow's TFRecord):
//   u64 length | u32 masked crc32c of the 8 bytes before | payload | u32 masked crc32c of the payload
// all little-endian, with mask(c) = ((c >> 15) | (c << 17)) + 0xa282ead8. A payload is the protobuf message
//   Event { 1: double wall_time  2: int64 step  3: string file_version  5: Summary }
//   Summary { 1: repeated Value { 1: string tag  2: float simple_value } }
// and the first one carries file_version "brain.Event:2".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "rl/log/append_file.h"
#include "rl/log/metric_sink.h"

namespace bellman {

/// CRC-32C (Castagnoli), as RFC 3720, appendix B.4, has it.
std::uint32_t crc32c(std::string_view bytes);

/// "events.out.tfevents.<seconds>.<host>": the name that TensorBoard looks for.
std::string tensorboard_file_name(double seconds_since_1970);

/// Every scalar of a row at the row's timestep, and each episode as CleanRL names it: charts/episodic_return,
/// charts/episodic_length. Records are collected and reach the file at every row and flush.
class TensorboardWriter final : public MetricSink {
 public:
  /// `now` gives seconds since 1970. Throws: Error that names the file.
  TensorboardWriter(const std::filesystem::path& path, std::function<double()> now);
  /// Continues after the first `keep_bytes` of an earlier file. Throws: as AppendFile.
  TensorboardWriter(const std::filesystem::path& path, std::function<double()> now, std::int64_t keep_bytes)
      : file_(path, keep_bytes), now_(std::move(now)) {}
  /// Of what has reached the file: all of it after flush().
  std::int64_t size() const { return file_.size(); }
  std::string tail(std::size_t most) const { return file_.tail(most); }
  void on_episode(const EpisodeRecord& episode) override;
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override;
  void flush() override;
  void sync() const { file_.sync(); }

 private:
  void add_event(Index timestep, std::span<const Scalar> scalars);

  AppendFile file_;
  std::function<double()> now_;
  std::string pending_;  // whole records that are not yet in the file
};

}  // namespace bellman
