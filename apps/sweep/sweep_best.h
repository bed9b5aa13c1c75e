// The model of a sweep's best run: best-<env_id>.safetensors in its directory, one for each environment.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "rl/train/model_file.h"
#include "rl/train/train_result.h"

namespace bellman {

/// Of each environment the finished run with the largest mean return of its final evaluation; the first in
/// the plan's order among equals, so that it does not depend on which run ended first.
std::map<std::string, std::size_t> best_runs(const SweepPlan& plan, const std::vector<RunRecord>& runs);

std::filesystem::path best_model_path(const std::filesystem::path& directory, const std::string& env_id);

class SweepBest {
 public:
  /// `runs`: those that are over already are what others are compared with. REQUIRES: the plan outlives it.
  SweepBest(std::filesystem::path directory, const SweepPlan& plan, const std::vector<RunRecord>& runs);

  /// Keeps the model when its run is the best so far. Several threads may call it at once, each before its
  /// run counts as over. Throws: Error that names the file.
  void offer(std::size_t run, const RunRecord& record, const Model& model);

 private:
  struct Place {
    std::size_t run = 0;
    double mean = 0;
  };
  bool is_better(const Place& place, const std::string& env_id) const;

  std::filesystem::path directory_;
  const SweepPlan& plan_;
  std::mutex mutex_;  // of what follows, and of the files
  std::map<std::string, Place> best_;
};

}  // namespace bellman
