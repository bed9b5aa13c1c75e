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
    "rollout/ep_rew_mean",       // mean return of the last 100 training episodes
    "rollout/ep_len_mean",       // and their mean length
    "rollout/exploration_rate",  // epsilon
    "time/fps",                  // environment steps a second, since the run started
    "time/total_timesteps",
    "time/seconds",           // since the run started
    "train/loss",             // mean over the learn steps since the last row
    "train/mean_q",           // likewise, of the chosen actions
    "train/grad_norm",        // likewise, before clipping; NaN when gradients are not clipped
    "train/learning_rate",    // now
    "train/n_updates",        // learn steps so far
    "train/skipped_updates",  // of them, because a number was NaN or infinite
    "rollout/skipped_steps",  // environment steps so far, likewise
    "eval/mean_reward",       // of the evaluation made at this timestep
    "eval/std_reward",
    "eval/mean_ep_length",
};

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
  /// Everything so far is handed to the system: it survives the process. Whether it is on the disk is the
  /// file's affair (AppendFile::sync). Throws: Error, naming the file, when it cannot.
  virtual void flush() {}
};

}  // namespace bellman
