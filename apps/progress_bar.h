// What a run shows while it runs: a bar that is redrawn in place on a terminal, lines now and then elsewhere.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "rl/metric_sink.h"

namespace bellman {

/// One line about a run, at most `width` characters (all ASCII). With a bar when there is room; what does not
/// fit is left out, the least needed first. `seconds_left`: NaN when it cannot be said.
std::string bar_line(const Progress& progress, double seconds_left, std::size_t width);
/// The same for a log: whole, without a bar.
std::string plain_line(const Progress& progress, double seconds_left);

/// "27500" as "27,500".
std::string with_separators(Index count);
/// "1 seed", "20 seeds".
std::string counted(std::size_t count, const std::string& noun);
/// "1,234 MiB", rounded up.
std::string mebibytes(Index bytes);
/// "45 s", "3:05 min", "1:02:33 h".
std::string duration_text(double seconds);

/// How long a run still takes, from the pace of its last seconds.
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
  /// `descriptor`: the terminal that `out` writes to, whose width is asked for at every redraw; negative when
  /// it is no terminal. REQUIRES: out outlives the bar.
  ProgressBar(std::ostream& out, int descriptor);
  /// Leaves the cursor at the start of a fresh line.
  ~ProgressBar() override;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void on_progress(const Progress& progress) override;
  /// Ends the bar's line. Whatever is written next starts on a fresh one.
  void finish();

 private:
  std::ostream& out_;
  int descriptor_;
  TimeLeft time_left_;
  bool line_is_open_ = false;
  Index printed_timestep_ = -1;
  double printed_seconds_ = 0;
};

/// The descriptor for ProgressBar: that of stdout or stderr when it is a terminal that can be redrawn (TERM
/// is not "dumb"), else -1.
int terminal_descriptor(int descriptor);
/// Characters that fit in a line of that terminal.
std::size_t terminal_width(int descriptor);

}  // namespace bellman
