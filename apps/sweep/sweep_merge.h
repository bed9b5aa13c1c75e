// One sweep out of the shards that several machines trained: `bellman sweep --merge`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "rl/train/train_result.h"

namespace bellman {

/// "shard-02-of-16": a shard's directory within --sweep-dir. Their names sort in the shards' order.
std::string shard_directory(const SweepShard& shard);

/// The sweeps that lie directly in a directory, by name; none where it cannot be read.
std::vector<std::filesystem::path> sweeps_within(const std::filesystem::path& directory);

/// The sweeps that --merge names: each of `directories` that is a sweep, and of the others those that lie directly in it,
/// by name. Throws: Error that names a directory in which there is none.
std::vector<std::filesystem::path> sweeps_in(const std::vector<std::string>& directories);

/// Sweeps of one plan, each with some of its runs.
class SweepMerge {
 public:
  /// Reads the plans and what their runs brought; copies nothing. Of a run that several have, the one that took the least
  /// time counts, so the order of the directories makes no difference. Throws: Error that names two directories and what
  /// differs, for sweeps with other seeds or settings, and for two results of one run that are not the same; as
  /// load_sweep_plan() and SweepState::records().
  explicit SweepMerge(std::vector<std::filesystem::path> directories);

  /// The whole one.
  const SweepPlan& plan() const { return plan_; }
  /// The runs that no directory has.
  std::vector<std::size_t> missing() const;
  /// Of all runs, by their own clocks.
  double run_seconds() const { return run_seconds_; }
  /// Puts the runs' files and the models of the best ones into `directory`, each atomically. Throws: Error that names the
  /// file.
  void copy_to(const std::filesystem::path& directory) const;

 private:
  void take(std::size_t source);

  std::vector<std::filesystem::path> directories_;
  SweepPlan plan_;
  std::vector<RunRecord> records_;    // of each run
  std::vector<std::size_t> sources_;  // of each run: the index of its directory
  double run_seconds_ = 0;
};

}  // namespace bellman
