// The state of a sweep in its directory, from which `bellman sweep --resume` continues, also with more seeds
// and settings. All files are checkpoints (apps/run/checkpoint.h), so that hashes reveal damage:
//
//   sweep_plan.safetensors          the plan, with the tensors
//     seeds           U64
//     grid            U8: the text "learning_rate,n_step"
//     shard           U64: number and count, of a sweep that trains only a part of its runs
//     over            U8: of each run, in the plan's order, 1 when its file had its results at that moment
//     settings.000000, settings.000001, ...
//                     U8: config.toml of each combination of the grid's values
//   run-0001-seed12.safetensors     a run of the second combination (combinations keep their numbers when
//                                   others are added): its results when it is over, its whole state while it
//                                   trains on a device
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/sweep/sweep_plan.h"
#include "rl/population/population.h"
#include "rl/train/train_result.h"

namespace bellman {

std::filesystem::path sweep_plan_path(const std::filesystem::path& directory);

/// A sweep as it was when its plan was saved.
struct SavedSweep {
  SweepPlan plan;
  std::vector<bool> over;  // of each run: whether its results were saved
};

/// The plan as tensors. `source` stands for a file in messages. Throws: Error as load_sweep_plan(). REQUIRES: runs are the
/// plan's.
TensorFile plan_tensors(const SweepPlan& plan, const std::vector<RunRecord>& runs);
SavedSweep sweep_of(const TensorFile& file, const std::string& source);

/// Atomically. Throws: Error that names the file and the system's reason. REQUIRES: runs are the plan's.
void save_sweep_plan(const std::filesystem::path& path, const SweepPlan& plan,
                     const std::vector<RunRecord>& runs);

/// Throws: Error that names file, tensor and value for a plan that plan_sweep() could not have made.
SavedSweep load_sweep_plan(const std::filesystem::path& path);

/// A record as tensors; the names of its wall times begin with "time.".
TensorFile record_tensors(const RunRecord& record);
/// The record again; its timestep is not among the tensors. Throws: Error that names source, tensor and value, for numbers
/// that no run has which is over.
RunRecord record_of(const TensorFile& file, const std::string& source);

/// The files of a sweep's runs.
class SweepState {
 public:
  /// REQUIRES: the plan outlives it.
  SweepState(std::filesystem::path directory, const SweepPlan& plan);

  /// Each writes atomically. Throws: Error that names the file.
  void save_record(std::size_t run, const RunRecord& record) const;
  void save_training(std::size_t run, Population& population, std::size_t number) const;

  /// Whether any run has a file.
  bool any() const;
  /// The run's file; nothing when there is none. Throws: Error, with a remedy, for one that is damaged or
  /// another sweep's.
  std::optional<Checkpoint> find(std::size_t run) const;
  /// Its record when the run is over; nothing when it trains. Throws: Error, with file and remedy, for
  /// numbers that no run has.
  std::optional<RunRecord> record_of(std::size_t run, const Checkpoint& checkpoint) const;
  /// The record of each run that is over; the other runs are waiting. Throws: Error as find() and record_of()
  /// for the first bad file.
  std::vector<RunRecord> records() const;
  /// The runs whose results were saved once (SavedSweep::over), and whose file is missing now.
  std::vector<std::size_t> lost(const std::vector<bool>& over) const;
  std::filesystem::path path(std::size_t run) const;

 private:
  std::string remedy() const;
  std::string owner(const Checkpoint& checkpoint, std::size_t run) const;
  void save(std::size_t run, Index timestep, TensorFile state) const;

  std::filesystem::path directory_;
  const SweepPlan& plan_;
  std::string build_;  // build_id()
};

}  // namespace bellman
