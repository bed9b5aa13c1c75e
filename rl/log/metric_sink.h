// Where a run's numbers go: files, a terminal, a test.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "core/base/tensor.h"

namespace bellman {

/// One finished training episode.
struct EpisodeRecord {
  double episode_return = 0;  // of raw rewards
  Index length = 0;
  double seconds = 0;  // since the run started
  Index timestep = 0;
};

struct Scalar {
  std::string_view name;  // "train/loss": the keys of progress.csv
  double value;
};

/// The names of a row of scalars: every row has all of them, in this order. What does not exist yet (the loss
/// before the first learn step) or not in this row (an evaluation's mean) is NaN.
inline constexpr std::array<std::string_view, 16> kScalarNames = {
    "rollout/ep_rew_mean",
    "rollout/ep_len_mean",
    "rollout/exploration_rate",
    "time/fps",
    "time/total_timesteps",
    "time/seconds",
    "train/loss",
    "train/mean_q",
    "train/grad_norm",
    "train/learning_rate",
    "train/n_updates",
    "train/skipped_updates",
    "rollout/skipped_steps",
    "eval/mean_reward",
    "eval/std_reward",
    "eval/mean_ep_length",
};

/// Of each of kScalarNames, the columns of progress.csv.
inline constexpr std::array<std::string_view, kScalarNames.size()> kScalarMeanings = {
    "mean return of the last 100 training episodes, exploration included",
    "mean length of the last 100 training episodes, steps",
    "epsilon now: the share of random actions",
    "environment steps a second since the run began",
    "environment steps so far, all environments together",
    "seconds since the run began",
    "mean loss of the gradient steps since the last row",
    "mean Q-value of the actions in their batches, likewise: what the network promises",
    "mean norm of the gradient before clipping, likewise; empty when max_grad_norm is 0",
    "learning rate now",
    "gradient steps so far",
    "gradient steps left out so far, with a number that is NaN or infinite (on_nan)",
    "environment steps left out so far, likewise",
    "mean return of the evaluation at this step: greedy, fresh episodes; empty without one",
    "standard deviation of its returns (n - 1)",
    "mean length of its episodes, steps",
};

struct ColumnMeaning {
  std::string_view name, meaning;
};

/// monitor.csv: a row a training episode.
inline constexpr std::array<ColumnMeaning, 3> kMonitorColumns = {{
    {"r", "return of the episode, of raw rewards"},
    {"l", "length of the episode, steps"},
    {"t", "seconds since the run began"},
}};

/// How far a run has come, for a progress bar. NaN stands for "none yet".
struct Progress {
  Index timestep = 0, total_timesteps = 0;
  double seconds = 0;                                             // since the run started
  double steps_per_second = 0;                                    // since the last call
  Index episodes = 0;                                             // finished training episodes
  double mean_return = std::numeric_limits<double>::quiet_NaN();  // of the last 100 training episodes
  double epsilon = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();       // of the last learn step
  double eval_mean = std::numeric_limits<double>::quiet_NaN();  // of the last evaluation
};

/// Returns of whole episodes.
struct EvalResult {
  double mean = 0, std = 0, min = 0, max = 0;  // of the returns; std: of a sample (n - 1), 0 of a single one
  double mean_length = 0;
  Index episodes = 0;  // finished ones: fewer than asked for when stopped
};

class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void on_episode(const EpisodeRecord&) {}
  /// A row of scalars at a timestep, named kScalarNames: at the end of each round of environments that passes
  /// a multiple of log_frequency or eval_frequency, and at the end of the run. Timesteps grow from row to
  /// row.
  virtual void on_scalars(Index /*timestep*/, std::span<const Scalar> /*scalars*/) {}
  /// At the start, at the end, and about ten times a second in between.
  virtual void on_progress(const Progress&) {}
  /// Hands everything so far to the system, where it survives the process; AppendFile::sync waits for the
  /// disk. Throws: Error, naming the file, when it cannot.
  virtual void flush() {}
};

}  // namespace bellman
