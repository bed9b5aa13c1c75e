// What a sweep leaves in its directory beside its plan (apps/sweep/sweep_plan_file.h), so that `bellman sweep
// --resume` can go on, also with more seeds and settings: a checkpoint (apps/run/checkpoint.h) for each run that
// has something to keep. run-0001-seed12.safetensors is of the second combination of the grid's values (they
// keep their numbers when others are added). Of a run that is over it holds the results; of one that trains
// on a device, its whole state.
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

/// A record as tensors; its wall times are those whose names begin with "time.".
TensorFile record_tensors(const RunRecord& record);

class SweepState {
 public:
  /// REQUIRES: the plan outlives it.
  SweepState(std::filesystem::path directory, const SweepPlan& plan);

  /// Written atomically each. Throws: Error that names the file.
  void save_record(std::size_t run, const RunRecord& record) const;
  void save_training(std::size_t run, Population& population, std::size_t number) const;

  /// Whether a run has left something.
  bool any() const;
  /// The run's file; nothing when there is none. Throws: Error for one that is damaged, or another sweep's,
  /// with what to do about it.
  std::optional<Checkpoint> find(std::size_t run) const;
  /// Its record when the run is over; nothing when it trains. Throws: Error, naming the run's file and what
  /// to do, for numbers that no run has.
  std::optional<RunRecord> record_of(std::size_t run, const Checkpoint& checkpoint) const;
  /// Of each run that is over its record; the others wait. Throws: Error for the first file that these two
  /// refuse.
  std::vector<RunRecord> records() const;
  /// The runs whose results were kept once, as the plan's file says (SavedSweep::over), and have no file any
  /// more.
  std::vector<std::size_t> lost(const std::vector<bool>& over) const;
  std::filesystem::path path(std::size_t run) const;

 private:
  std::string remedy() const;
  void save(std::size_t run, Index timestep, TensorFile state) const;

  std::filesystem::path directory_;
  const SweepPlan& plan_;
  std::string build_;  // build_id()
};

}  // namespace bellman
