// A run from its first step to its last evaluation: the loop of docs/dqn.md, and all that it works on.
// Trainer (rl/train/trainer.h) is its public face.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "rl/config/schedule.h"
#include "rl/learn/agent.h"
#include "rl/learn/gradient_average.h"
#include "rl/log/run_log.h"
#include "rl/ranks/lockstep.h"
#include "rl/train/collector.h"
#include "rl/train/evaluator.h"
#include "rl/train/kept_model.h"
#include "rl/train/run_counts.h"
#include "rl/train/run_memory.h"
#include "rl/train/trainer.h"

namespace bellman {

/// What the program wants to be called for.
struct TrainerHooks {
  Index checkpoint_frequency = 0;
  std::function<void(Index timestep)> checkpoint;
  std::function<bool()> checkpoint_is_due;  // by time
  std::function<void()> model;
  std::function<void(Index number, StepMoment moment)> learn;
  std::function<void(Index timestep)> sync;
};

class TrainingRun {
 public:
  TrainingRun(const TrainConfig& settings, Backend& backend, const TrainerParts& brought);
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;

  TrainResult run(const std::atomic<bool>* stop);
  /// Does what is left of a round that ended within it. False: stopped before all was done.
  bool conclude_round(const std::atomic<bool>* stop);
  void save(StateWriter& out);
  void load(const StateReader& in);
  NextStep next_step();

  // What Trainer shows.
  const TrainConfig config;
  const TrainerParts parts;
  Backend& backend;
  const std::unique_ptr<Lockstep> lockstep;                 // null: there is one rank
  const std::unique_ptr<GradientAverage> gradient_average;  // likewise
  Collector collector;
  const Network network;
  const std::optional<AvailableMemory> memory_before;  // that this run took its own
  const RunMemory memory;
  Agent agent;  // replay, networks, optimiser
  RunLog log;
  TrainerHooks hooks;
  QFunction q_function;  // the agent's
  KeptParameters kept;
  bool resumed = false, ran = false;

 private:
  // After each step of a round, one by one, as with a single environment.
  bool learn_and_sync(Index t);
  bool learning_is_due(Index t) const;
  bool learn();
  LearnStep learn_step();
  // At the round's end.
  void finish_round();
  void finish_evaluation_and_row();
  void go_on_with_round();
  bool evaluate();
  void report();
  // At the run's end.
  void save_results();
  void hand_over_model();
  TrainResult finish();

  void listen(const std::atomic<bool>* stop);
  bool is_stopped() const { return stop_ && stop_->load(std::memory_order_relaxed); }
  bool is_solved_and_done() const { return config.stop_when_solved && evaluations_.solved_at_timestep(); }
  RunPosition position() const;
  void show_progress();
  void check_clock();
  void checkpoint();

  Evaluations evaluations_;
  RunCounts counts_;
  Schedule epsilon_, learning_rate_, beta_;
  const std::atomic<bool>* stop_ = nullptr;  // with several ranks, what all of them know
};

}  // namespace bellman
