// What a sweep that has not ended leaves in its directory, so that `bellman sweep --resume` can go on:
//   sweep_plan.json           settings, seeds and grid
//   run-000012.safetensors    a run that is over: its results; or one that trains on a device: its whole
//   state
//                             (apps/checkpoint.h: every tensor with its hash)
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "apps/checkpoint.h"
#include "apps/sweep_plan.h"
#include "rl/population.h"
#include "rl/run_record.h"

namespace bellman {

std::string sweep_plan_json(const SweepPlan& plan);
/// Throws: Error that names `source` and what is wrong.
SweepPlan parse_sweep_plan(const std::string& json, const std::string& source);

class SweepState {
 public:
  /// REQUIRES: the plan outlives it.
  SweepState(std::filesystem::path directory, const SweepPlan& plan)
      : directory_(std::move(directory)), plan_(plan) {}

  /// Written atomically each. Throws: Error that names the file.
  void save_plan() const;
  void save_record(std::size_t run, const RunRecord& record) const;
  void save_training(std::size_t run, Population& population, std::size_t number) const;

  /// The run's file; nothing when there is none. Throws: Error for one that is damaged, or another sweep's.
  std::optional<Checkpoint> find(std::size_t run) const;
  /// Throws: Error for the first file that find() would refuse.
  void check() const;
  /// Its record when the run is over; nothing when it trains. Throws: Error as StateReader.
  static std::optional<RunRecord> record_of(const Checkpoint& checkpoint, const std::string& source);
  std::filesystem::path path(std::size_t run) const;

  /// The sweep is complete: all of it is removed.
  void remove() const;

 private:
  void save(std::size_t run, Index timestep, TensorFile state) const;

  std::filesystem::path directory_;
  const SweepPlan& plan_;
};

}  // namespace bellman
