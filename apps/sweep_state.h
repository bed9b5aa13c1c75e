// What a sweep that has not ended leaves in its directory beside its plan (apps/sweep_plan_file.h), so that
// `bellman sweep --resume` can go on: a checkpoint (apps/checkpoint.h) for each run that has something to
// keep, run-000012.safetensors. Of a run that is over it holds the results; of one that trains on a device,
// its whole state.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/sweep_plan.h"
#include "rl/population.h"
#include "rl/run_record.h"

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
  /// The run's file; nothing when there is none. Throws: Error for one that is damaged, or another sweep's.
  std::optional<Checkpoint> find(std::size_t run) const;
  /// Its record when the run is over; nothing when it trains. Throws: Error, naming the run's file, for
  /// numbers that no run has.
  std::optional<RunRecord> record_of(std::size_t run, const Checkpoint& checkpoint) const;
  /// Of each run that is over its record; the others wait. Throws: Error for the first file that these two
  /// refuse.
  std::vector<RunRecord> records() const;
  /// Throws: as records().
  void check() const { records(); }
  std::filesystem::path path(std::size_t run) const;

  /// The sweep is complete: all of it is removed.
  void remove() const;

 private:
  void save(std::size_t run, Index timestep, TensorFile state) const;

  std::filesystem::path directory_;
  const SweepPlan& plan_;
  std::string build_;  // build_id(), which reads the whole program
};

}  // namespace bellman
