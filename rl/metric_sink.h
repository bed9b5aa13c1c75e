// Where a run's numbers go: files, a terminal, a test.
#pragma once

#include <span>
#include <string_view>

#include "core/tensor.h"

namespace bellman {

/// One finished training episode.
struct EpisodeRecord {
  double episode_return = 0;  // of raw rewards
  Index length = 0;
  double seconds = 0;  // since the run started
  Index timestep = 0;
};

struct Scalar {
  std::string_view name;  // "train/loss": the keys of progress.csv
  double value;
};

class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void on_episode(const EpisodeRecord&) {}
  /// A row of scalars at a timestep.
  virtual void on_scalars(Index /*timestep*/, std::span<const Scalar> /*scalars*/) {}
  /// Everything so far reaches its destination. Throws: Error, naming the file, when it cannot.
  virtual void flush() {}
};

}  // namespace bellman
