// Plays whole episodes with a fixed policy. It has environments and random streams of its own, so it changes
// no number of the training. It makes them when it plays the first episodes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"
#include "envs/env.h"
#include "rl/config/train_config.h"
#include "rl/log/metric_sink.h"
#include "rl/state/training_state.h"
#include "rl/train/run_counts.h"
#include "rl/train/train_result.h"

namespace bellman {

/// Writes q(n,A) of n raw observations.
using QFunction = std::function<void(std::span<float> q, std::span<const float> observations, Index n)>;

class Evaluator {
 public:
  /// Where the environment has no time limit an episode is cut here, and its return so far counts: a greedy
  /// policy can walk in circles for ever.
  static constexpr Index kStepLimit = 10'000;

  /// Episode number i of this evaluator draws from RandomStream{seed, Purpose::kEvaluation, i}.
  /// Throws: Error when max_episodes is not in 1 .. 2^24.
  Evaluator(const EnvFactory& make_env, Index max_episodes, std::uint64_t seed, OnNan on_nan);
  /// Throws: Error also for an environment that cannot be made.
  Evaluator(const EnvOptions& env, Index max_episodes, std::uint64_t seed, OnNan on_nan);

  /// Plays the next `episodes` episodes, all at once: every step is one call of `q` with the observations of
  /// those that still run. Greedy, but for a random action with probability epsilon. No episode is played
  /// twice: numbers continue from call to call. Ends early, with the episodes finished so far, when *stop
  /// becomes true. An episode whose reward or observation is NaN or infinite ends before that step with
  /// OnNan::kSkip. Throws: Error when episodes is not in 1 .. max_episodes; otherwise for such a number.
  EvalResult evaluate(const QFunction& q, Index episodes, double epsilon = 0.0,
                      const std::atomic<bool>* stop = nullptr);

  /// Episodes begun so far: the number of the next one.
  Index next_episode() const { return next_episode_; }
  /// Restores the number of a saved run. REQUIRES: number >= 0.
  void set_next_episode(Index number) { next_episode_ = number; }

 private:
  /// One episode that still runs.
  struct Episode {
    Env* env;
    RandomStream exploration;
    double episode_return;
  };
  void begin(Index episodes);
  /// Writes the observations of the running episodes, one after the other, after t steps.
  void observe(Index t);
  /// `what` is not finite in the t-th step of the episode, which ends. Throws: Error, with OnNan::kStop.
  void cut(const Episode& episode, Index t, const char* what);
  /// Steps every running episode, its t-th step from 0; drops those that end.
  void step_all(Index t, double epsilon);

  EnvFactory make_env_;
  Index max_episodes_;
  std::uint64_t seed_;
  OnNan on_nan_;
  Index next_episode_ = 0;
  std::vector<std::unique_ptr<Env>> envs_;
  std::size_t observation_size_ = 0, num_actions_ = 0;
  Index step_limit_ = 0;
  std::vector<Episode> episodes_;  // those that run
  std::vector<double> returns_;    // of those that ended
  Index steps_of_ended_ = 0;
  std::vector<float> observations_;  // (running, observation)
  std::vector<float> q_;             // (running, A)
};

/// The evaluations of a run: those during training, which say when its environment counts as solved, and the
/// one at its end.
class Evaluations {
 public:
  /// REQUIRES: config outlives it.
  Evaluations(const TrainConfig& config, const EnvFactory& make_env, const EnvSpec& spec);

  /// One evaluation during training. A few lucky episodes do not solve anything: a mean that reaches
  /// solved_return must hold over solve_confirm_episodes more, and then counts instead. Nothing when it was
  /// stopped: then nothing has changed.
  std::optional<EvalResult> evaluate(const QFunction& q, const std::atomic<bool>* stop);
  /// Whether this mean is the first that reaches solved_return: `timestep` and `seconds` are then those of
  /// solving.
  void check_solved(double mean, Index timestep, double seconds);
  const std::optional<Index>& solved_at_timestep() const { return solved_at_timestep_; }
  double seconds_to_solve() const { return seconds_to_solve_; }

  /// The evaluation at the end: sets eval, eval_seed, and interrupted where it was stopped. Plays episodes
  /// that no evaluation during training has seen: the kept parameters were chosen by those.
  void evaluate_finally(TrainResult& result, const QFunction& q, const std::atomic<bool>* stop) const;

  void save(StateWriter& out) const;
  void load(const StateReader& in, const RunCounts& counts);

 private:
  const TrainConfig& config_;
  EnvFactory make_env_;
  Evaluator evaluator_;
  double solved_return_;  // NaN: none
  std::optional<Index> solved_at_timestep_;
  double seconds_to_solve_ = 0;
};

}  // namespace bellman
