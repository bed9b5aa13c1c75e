// Threads that train runs of a sweep, which others hand to them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"
#include "rl/train/model_file.h"

namespace bellman {

/// A run that has ended here: over, or cut.
struct EndedRun {
  std::size_t run = 0;
  SweepRun record;
  std::optional<Model> model;  // of one that finished
};

class RunPool {
 public:
  /// Throws: Error when the system cannot start as many threads. REQUIRES: the plan outlives it.
  RunPool(const SweepPlan& plan, int threads);
  /// Cuts the running ones and waits for them.
  ~RunPool();
  RunPool(const RunPool&) = delete;
  RunPool& operator=(const RunPool&) = delete;

  /// REQUIRES: fewer are running than there are threads.
  void start(std::size_t run);
  /// Cuts the running ones: each ends soon, as kCut.
  void cut() { stop_ = true; }
  /// Those that have ended since the last call.
  std::vector<EndedRun> take_ended();
  /// How far those that train have come: run and timestep.
  std::map<std::size_t, Index> running() const;
  /// Until a run has ended, or the time has passed.
  void wait(std::chrono::milliseconds most);

 private:
  class Sink;
  void work();
  EndedRun train(std::size_t run);

  const SweepPlan& plan_;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_, ended_changed_;
  std::deque<std::size_t> waiting_;
  std::map<std::size_t, Index> running_;
  std::vector<EndedRun> ended_;
  bool leaving_ = false;
  std::vector<std::jthread> threads_;  // the last: it ends first
};

}  // namespace bellman
