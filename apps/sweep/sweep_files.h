// The files that a sweep writes for its users: tables, curves, and the models of its best runs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_state.h"
#include "rl/train/model_file.h"

namespace bellman {

/// The JSON of --dry-run: seeds, variants with value and origin of every setting, and `execution`, how they
/// would train.
std::string sweep_plan_json(const SweepPlan& plan, const std::string& execution);
/// sweep.csv: a row of each run that finished or failed.
std::string runs_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep_curves.csv: a row of each evaluation of each run.
std::string curves_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// sweep.json: everything. Each variant has every setting with its JSON type, each run its curve.
std::string sweep_json(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds);

/// For each environment the finished run with the largest mean return of its final evaluation; the first in
/// the plan's order among equals, whichever ended first.
std::map<std::string, std::size_t> best_runs(const SweepPlan& plan, const std::vector<SweepRun>& runs);
/// The model of a best run: best-<env_id>.safetensors.
std::filesystem::path best_model_path(const std::filesystem::path& directory, const std::string& env_id);

/// Keeps the models of the best runs up to date.
class SweepBest {
 public:
  /// `runs`: those that are over already compete, too. REQUIRES: the plan outlives it.
  SweepBest(std::filesystem::path directory, const SweepPlan& plan, const std::vector<SweepRun>& runs);

  /// Saves the model when its run is the best so far. Several threads may call it at once, each before its
  /// run counts as over. Throws: Error that names the file.
  void offer(std::size_t run, const SweepRun& record, const Model& model);

 private:
  std::filesystem::path directory_;
  const SweepPlan& plan_;
  std::mutex mutex_;                                            // guards best_ and the files
  std::map<std::string, std::pair<std::size_t, double>> best_;  // of each environment: run and mean return
};

/// All files in a sweep's directory.
class SweepFiles {
 public:
  /// Reads the files that are there; writes nothing yet. Throws: Error for a run's file that cannot be used.
  /// REQUIRES: the plan outlives it.
  SweepFiles(const std::filesystem::path& directory, const SweepPlan& plan);

  const SweepState& state() const { return state_; }
  /// Of the runs that are over; the others are waiting.
  const std::vector<SweepRun>& records() const { return records_; }
  void save_plan() const;
  /// Saves a run that is over. `model`: null for one that failed.
  void keep(std::size_t run, const SweepRun& record, const Model* model);
  /// From time to time, so that a sweep that is killed leaves its progress.
  void save_progress(const std::vector<SweepRun>& runs) const;
  void save_results(const std::vector<SweepRun>& runs, double seconds) const;

 private:
  std::filesystem::path directory_;
  const SweepPlan& plan_;
  SweepState state_;
  std::vector<SweepRun> records_;
  SweepBest best_;
};

}  // namespace bellman
