// What a sweep shows while it trains.
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

/// The lines of a live picture, the rows of a table under its first line and a line about all runs, that fit
/// `rows`: of a table that is too long those from `first` on (of a variant), and a line that says which.
std::vector<std::string> picture_lines(const std::vector<std::string>& table, std::size_t first,
                                       const std::string& last_line, std::size_t rows);

/// A table that is redrawn in place on a terminal, as much of it as fits; elsewhere a line whenever a run is
/// over. Runs that fail are named on `errors`.
class SweepProgress {
 public:
  /// `descriptor`: what `out` writes to, a terminal or not. `quiet`: nothing but errors.
  /// Runs that are over in `before` have no line of their own. REQUIRES: out, errors and plan outlive it;
  /// before are the plan's runs.
  SweepProgress(std::ostream& out, int descriptor, std::ostream& errors, bool quiet, const SweepPlan& plan,
                const std::vector<SweepRun>& before);

  void show(const std::vector<SweepRun>& runs);
  /// A line of its own.
  void say(const std::string& line);
  /// What is left to say at the end: how many runs failed unnamed, the whole table and the last line.
  void finish(const std::vector<SweepRun>& runs);

  /// Since the sweep began.
  double seconds() const;

 private:
  std::vector<std::string> table(const std::vector<SweepRun>& runs, std::size_t width);
  std::string last_line(const std::vector<SweepRun>& runs) const;
  std::size_t first_open_variant(const std::vector<SweepRun>& runs) const;
  void tell(const SweepRun& run, std::size_t i);
  void tell_failure(const SweepRun& run, std::size_t i);

  std::ostream& out_;
  int descriptor_;
  bool is_redrawn_;
  std::ostream& errors_;
  bool quiet_;
  const SweepPlan& plan_;
  TerminalPicture picture_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<bool> told_;                 // of each run
  std::size_t failed_ = 0;                 // of them
  std::vector<std::size_t> over_;          // of each variant: the runs that its summary is of
  std::vector<VariantSummary> summaries_;  // they take a while: not made anew for every picture
};

}  // namespace bellman
