// The progress of a run: a bar that is redrawn in place on a terminal, elsewhere a line from time to time.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "apps/base/terminal.h"
#include "rl/log/metric_sink.h"

namespace bellman {

/// One line about a run, at most `width` characters (all ASCII), with a bar if `width` is about 30 or more.
/// Fields that do not fit are left out, the least important first. `seconds_left`: NaN when it is unknown.
std::string bar_line(const Progress& progress, double seconds_left, std::size_t width);
/// The same for a log: whole, without a bar.
std::string plain_line(const Progress& progress, double seconds_left);

/// Estimates the time a run still takes from the pace of its last seconds.
class TimeLeft {
 public:
  /// Call at every progress. NaN at first and at the end.
  double update(const Progress& progress);

 private:
  double last_seconds_ = 0;
  double rate_ = 0;  // environment steps a second, smoothed
};

class ProgressBar final : public MetricSink {
 public:
  /// `descriptor`: the terminal that `out` writes to, whose width is read at every redraw; negative when it
  /// is no terminal. REQUIRES: out outlives the bar.
  ProgressBar(std::ostream& out, int descriptor);
  void on_progress(const Progress& progress) override;
  /// Ends the bar's line: the next output starts on a new one. The destructor does the same.
  void finish() { picture_.finish(); }

 private:
  std::ostream& out_;
  int descriptor_;
  TimeLeft time_left_;
  TerminalPicture picture_;
  Index printed_timestep_ = -1;
  double printed_seconds_ = 0;
};

}  // namespace bellman
