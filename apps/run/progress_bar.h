// What a run shows while it runs: a bar that is redrawn in place on a terminal, lines now and then elsewhere.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "apps/base/terminal.h"
#include "rl/log/metric_sink.h"

namespace bellman {

/// One line about a run, at most `width` characters (all ASCII), with a bar from about 30 on; what does not
/// fit beside it is left out, the least needed first. `seconds_left`: NaN when it cannot be said.
std::string bar_line(const Progress& progress, double seconds_left, std::size_t width);
/// The same for a log: whole, without a bar.
std::string plain_line(const Progress& progress, double seconds_left);

/// Four digits that matter, or all of a large number's whole part: "182.4", "0.03125", "-10000".
std::string short_number(double value);
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
  void on_progress(const Progress& progress) override;
  /// Ends the bar's line: whatever is written next starts on a fresh one. The destructor does so, too.
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
