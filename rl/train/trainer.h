// Trains a DQN agent: act, store, learn, sync, evaluate. docs/dqn.md sets the algorithm beside the loop
// (rl/train/training_run.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/nn/fused_dqn.h"
#include "core/nn/network.h"
#include "core/ops/replay_ops.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/learn/phase_clock.h"
#include "rl/log/metric_sink.h"
#include "rl/state/training_state.h"
#include "rl/train/next_step.h"
#include "rl/train/run_memory.h"
#include "rl/train/train_result.h"

namespace bellman {

class DeviceExchange;
class RankOps;
class Ranks;
class TrainingRun;

/// Parts that a program supplies instead of those that the settings choose. Empty: the settings choose.
struct TrainerParts {
  EnvFactory make_env = {};          // instead of config.env, for training and evaluation
  LearnerFactory make_learner = {};  // instead of config.learner
  /// Of the backend: the replay then lies in its memory (DeviceReplay), unless the settings need the host's:
  /// no replay at all, or normalised observations. REQUIRES: it outlives the trainer.
  ReplayOps* replay_ops = nullptr;
  /// Of the same device, beside replay_ops: what config.learner = kFused is there, a learn step as one op
  /// (core/nn/fused_dqn.h).
  FusedDqnOps* fused_dqn_ops = nullptr;
  /// A Recorder (rl/train/recorder.h) will look on: its memory is counted, and the run's phases are timed.
  bool records = false;
  /// Of a run that several processes train together (rl/ranks/lockstep.h): every rank builds a trainer of the same
  /// settings, and calls what it calls in the same order. The replay lies in host memory then. Null: there is one.
  /// REQUIRES: they outlive the trainer.
  Ranks* ranks = nullptr;
  int ranks_on_machine = 1;  // of them, this one among them: each may take its part of the machine's memory
  /// Of a device's backend: what ranks need to train on it. REQUIRES: it outlives the trainer.
  RankOps* rank_ops = nullptr;
  /// Of the same device: moves gradients between ranks. Null: they go through host memory and `ranks`. REQUIRES: it outlives
  /// the trainer.
  DeviceExchange* exchange = nullptr;
};

/// Around a gradient step.
enum class StepMoment { kBefore, kAfter };

class Trainer {
 public:
  /// Builds environments, network, replay and learner. Throws: Error for a configuration that cannot be run or not by several ranks,
  /// also for one that would run out of memory later (rl/train/run_memory.h): nothing large was taken then.
  /// REQUIRES: backend outlives the trainer.
  Trainer(const TrainConfig& config, Backend& backend, const TrainerParts& parts = {});
  ~Trainer();

  /// Called with every episode, row of scalars and progress. REQUIRES: the sink outlives run().
  void add_sink(MetricSink& sink);

  /// All that changes, between two rounds: load() continues from it to the same bits. Names that begin with
  /// "time." hold wall times, which differ from run to run.
  void save(StateWriter& out);
  /// Continues from where the saved run was. Once, before run(). Throws: Error, naming file and tensor, for a state
  /// of other settings or with numbers that are not finite; the trainer is then as it was made.
  void load(const StateReader& in);
  /// Finishes the last round of a loaded run that ended within it: gradient steps, the
  /// evaluation, then the row. False: *stop became true before all was done; the state is again one within
  /// the round. For a caller that saves the state again and resumes with other settings, which apply from the
  /// next step on (rl/train/settings_change.h); run() does it otherwise.
  bool conclude_round(const std::atomic<bool>* stop = nullptr);
  /// `hook`, which may call save(), is called after every `frequency` environment steps (0: never), between
  /// two rounds; whenever `is_due` says so, also between two gradient steps of a round: it is asked about ten
  /// times a second, and more often where checkpoint_seconds is less; and when training has ended, before the
  /// kept parameters are evaluated. The sinks are flushed then. It changes no bit of the training.
  void set_checkpoint_hook(Index frequency, std::function<void(Index timestep)> hook,
                           std::function<bool()> is_due = {});
  /// `hook` is called when training has ended, before the last checkpoint, and once more when the evaluation
  /// at the end chooses other parameters: kept_parameters() are then those of the model.
  void set_model_hook(std::function<void()> hook);
  /// `hook` is called right before and right after each gradient step, with its number from 1; it may look, save, and
  /// end the training by an exception. Steps that a device makes together are then made one by one, to the same bits.
  void set_learn_hook(std::function<void(Index number, StepMoment moment)> hook);

  /// `hook` is called right before the target network is updated at an environment step, once there was a gradient step.
  /// It may look, and nothing else.
  void set_sync_hook(std::function<void(Index timestep)> hook);

  /// Trains to the end, or until *stop becomes true, then evaluates the kept parameters. The flag is read
  /// once a step, between gradient steps, and within evaluations, which it cuts short. Call once. Throws:
  /// Error, naming where it is, when a number goes wrong that config.on_nan does not skip: the sinks are
  /// flushed, and nothing of it was saved.
  TrainResult run(const std::atomic<bool>* stop = nullptr);

  /// What the whole run takes, and what there was before this trainer was built.
  const RunMemory& memory() const;
  const std::optional<AvailableMemory>& memory_before() const;

  /// As the run has it: the map's file was read.
  const TrainConfig& config() const;
  Backend& backend() const;
  const EnvSpec& env_spec() const;
  /// One more environment of the run's, not seeded yet.
  std::unique_ptr<Env> make_env() const;
  const Network& network() const;
  /// What makes the gradient steps, in words: "fused, with AVX-512", "op by op".
  std::string learner() const;
  /// The parameters that run() kept (the best evaluated, or the last), in the layout of network().
  std::span<const float> kept_parameters() const;
  /// When they were the present ones, in environment steps.
  Index model_timestep() const;
  /// Running mean and variance of the observations that belong to the kept parameters; empty when
  /// observations are not normalised.
  std::span<const double> observation_mean() const;
  std::span<const double> observation_variance() const;
  // For lookers-on, also while it runs; no bit of the training depends on them.
  /// The gradient step that would be made if it came now.
  NextStep next_step();
  /// Networks and optimiser, as Learner::save.
  void save_learner(StateWriter& out);
  /// Where the time between the last two rows went; zeros without TrainerParts::records.
  const PhaseSeconds& phases() const;
  /// q(n,A) of n raw observations, of any number; after run(), by the kept parameters. As Learner::q_values.
  void q_values(std::span<float> q, std::span<const float> observations, Index n);

 private:
  std::unique_ptr<TrainingRun> run_;
};

}  // namespace bellman
