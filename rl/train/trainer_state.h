// Inside of Trainer: all that a run is made of. For trainer.cpp, the loop, trainer_evaluation.cpp, and
// trainer_state.cpp, which builds it, saves it and takes it back.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rl/config/schedule.h"
#include "rl/learn/agent.h"
#include "rl/log/run_log.h"
#include "rl/replay/running_normalizer.h"
#include "rl/train/evaluator.h"
#include "rl/train/run_memory.h"
#include "rl/train/trainer.h"
#include "rl/train/vector_env.h"

namespace bellman {

struct Trainer::State {
  State(const TrainConfig& settings, Backend& backend, const TrainerParts& brought);

  TrainResult run(const std::atomic<bool>* stop_flag);

  // One round: every environment makes one step, then what is due at each of these steps is learnt;
  // evaluation and row are the whole round's.
  void act();
  void step();
  bool learn();
  void sync_target();
  bool evaluate();
  void report();

  void begin_episode(Index e);
  void restart_episode(Index e);
  void skip_step(Index e, float reward);
  void require_finite(Index e, const char* what) const;
  std::span<const float> observation(Index e);
  float learning_reward(float reward) const;
  void finish_round();
  void conclude_round();
  void go_on_with_round();
  bool round_passes(Index frequency) const;
  bool learn_and_sync(Index t);
  bool learning_is_due(Index t) const;
  void keep_parameters(double eval_mean);
  TrainResult finish();
  void evaluate_kept();

  void save(StateWriter& out);
  void load(const StateReader& in);
  void load_counts(const StateReader& in);
  void load_kept(const StateReader& in);
  void checkpoint_when_due();
  void checkpoint();
  void save_results();
  void hand_over_model();

  bool stopped() const { return stop && stop->load(std::memory_order_relaxed); }
  bool is_within_round() const { return learnt_timestep < timestep || evaluation_is_due || row_is_due; }
  bool solved_and_done() const { return config.stop_when_solved && result.solved_at_timestep; }
  RunPosition position() const;
  void show_progress();
  void look_at_clock();

  TrainConfig config;
  TrainerParts parts;
  VectorEnv envs;
  Network network;
  std::optional<AvailableMemory> memory_before;  // that this trainer took its own
  RunMemory memory;
  std::unique_ptr<RunningNormalizer> normalizer;  // null: observations are not normalised
  std::string learner;                            // what learns, in words
  std::unique_ptr<Agent> agent;                   // replay, networks, optimiser
  QFunction q_function;
  Evaluator evaluator;
  RunLog log;

  Schedule epsilon, learning_rate, beta;
  std::vector<std::int32_t> actions;  // (E)

  Index checkpoint_frequency = 0;
  std::function<void(Index)> checkpoint_hook;
  std::function<bool()> checkpoint_is_due;  // by time
  std::function<void()> model_hook;
  bool resumed = false, ran = false;
  Backend& backend;  // that the trainer was made with

  const std::atomic<bool>* stop = nullptr;
  double solved_return = 0;
  Index rounds = 0;           // steps each environment has made
  Index timestep = 0;         // steps all environments together have made
  Index learnt_timestep = 0;  // up to here all is learnt: == timestep between two rounds, but after a stop
  Index phase_steps = 0;      // gradient steps that the present training phase has made
  bool evaluation_is_due = false;  // of the last round's end: true between two rounds if it was cut short
  bool episodes_are_due = false;   // before the next step: the environments are others now (change_settings)
  bool row_is_due = false;         // likewise; true as well after the last round, until finish()
  Index gradient_updates = 0;
  Index skipped_steps = 0;  // of environments
  Index evaluated_timestep = -1, reported_timestep = -1;
  TrainResult result;

  double kept_eval_mean = std::numeric_limits<double>::quiet_NaN();
  std::vector<float> kept_parameters;
  std::vector<double> kept_mean, kept_variance;
};

}  // namespace bellman
