// The progress of a sweep while it trains.
#pragma once

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "apps/base/terminal.h"
#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_report.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// The lines of a live picture that fit `rows`: the table's headings, its rows, and a line about all runs. Of
/// a table that is too long: its rows from `first` on (a variant), and a line that names them.
std::vector<std::string> picture_lines(const std::vector<std::string>& table, std::size_t first,
                                       const std::string& last_line, std::size_t rows);

/// A table that is redrawn in place on a terminal, as much of it as fits; elsewhere a line whenever a run
/// ends. Failed runs are named on `errors`.
class SweepProgress {
 public:
  /// `descriptor`: the one that `out` writes to, a terminal or not. `quiet`: prints only errors. Runs that
  /// are over in `before` get no line. REQUIRES: out, errors and plan outlive it; before are the plan's runs.
  SweepProgress(std::ostream& out, int descriptor, std::ostream& errors, bool quiet, const SweepPlan& plan,
                const std::vector<SweepRun>& before);

  void show(const std::vector<SweepRun>& runs);
  /// Prints a line.
  void print(const std::string& line);
  /// The end of the sweep: the number of unnamed failures, the whole table and the last line.
  void finish(const std::vector<SweepRun>& runs);

  /// Since the sweep started.
  double seconds() const;

 private:
  std::vector<std::string> table(const std::vector<SweepRun>& runs, std::size_t width);
  std::string last_line(const std::vector<SweepRun>& runs) const;
  std::size_t first_open_variant(const std::vector<SweepRun>& runs) const;
  void print_end(const SweepRun& run, std::size_t i);
  void print_failure(const SweepRun& run, std::size_t i);

  std::ostream& out_;
  int descriptor_;
  bool is_redrawn_;
  std::ostream& errors_;
  bool quiet_;
  const SweepPlan& plan_;
  TerminalPicture picture_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<bool> printed_;              // of each run: whether its end was printed
  std::size_t failed_ = 0;                 // runs that failed
  std::vector<std::size_t> over_;          // of each variant: the number of runs in its summary
  std::vector<VariantSummary> summaries_;  // slow to compute: not updated for every picture
};

}  // namespace bellman
