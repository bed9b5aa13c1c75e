// What a sweep shows while it trains.
#pragma once

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "apps/sweep_plan.h"
#include "apps/sweep_report.h"
#include "apps/sweep_runner.h"

namespace bellman {

/// A table that grows, redrawn in place, on a terminal; elsewhere a line whenever a run is over.
class SweepProgress {
 public:
  /// `terminal`: the terminal that `out` writes to, negative when it is none.
  /// REQUIRES: out and plan outlive it.
  SweepProgress(std::ostream& out, int terminal, const SweepPlan& plan);

  void show(const std::vector<SweepRun>& runs);
  /// What is left to say at the end: the table and the last line, where they do not stand already.
  void finish(const std::vector<SweepRun>& runs);

  /// Since the sweep began.
  double seconds() const;

 private:
  std::string table(const std::vector<SweepRun>& runs);
  std::string last_line(const std::vector<SweepRun>& runs) const;
  void redraw(const std::string& text);
  void tell(const SweepRun& run, std::size_t i);

  std::ostream& out_;
  int terminal_;
  const SweepPlan& plan_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string drawn_;                      // what stands on the terminal
  std::vector<bool> told_;                 // of each run
  std::vector<std::size_t> over_;          // of each variant: the runs that its summary is of
  std::vector<VariantSummary> summaries_;  // they take a while: not made anew for every picture
};

}  // namespace bellman
