// The log of a run: it counts, averages, and passes rows to the sinks.
#pragma once

#include <chrono>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rl/learn/learner.h"
#include "rl/learn/phase_clock.h"
#include "rl/log/due_timer.h"
#include "rl/log/metric_sink.h"
#include "rl/state/training_state.h"

namespace bellman {

/// The mean of the last `capacity` values. Only the constructor allocates.
class RecentMean {
 public:
  explicit RecentMean(std::size_t capacity) { values_.reserve(capacity); }
  /// Has the bits that `count` calls of add() leave. `last` are the last of their values, in order.
  /// REQUIRES: last has min(count, capacity) values, or more.
  static RecentMean after(std::size_t capacity, std::size_t count, std::span<const double> last);
  void add(double value);
  /// The number of values that it is the mean of.
  std::size_t count() const { return values_.size(); }
  /// NaN when there is none yet.
  double mean() const;

  void save(StateWriter& out, const std::string& name) const;
  /// Throws: Error for more values than the window holds.
  void load(const StateReader& in, const std::string& name);

 private:
  std::vector<double> values_;
  std::size_t oldest_ = 0;
};

/// The position of the run: what a row and a progress bar need beside the log's own numbers.
struct RunPosition {
  Index timestep = 0, total_timesteps = 0;
  double epsilon = 0, learning_rate = 0;
  Index gradient_updates = 0;
  Index skipped_updates = 0, skipped_steps = 0;  // for a row alone
};

/// Only sinks allocate after construction.
class RunLog {
 public:
  void add_sink(MetricSink& sink) { sinks_.push_back(&sink); }
  const std::vector<MetricSink*>& sinks() const { return sinks_; }

  /// Sets the clock: to zero, or to the seconds of a resumed run.
  void start(double seconds = 0);
  double seconds() const;

  /// Times the phases of a run that is recorded.
  PhaseClock& clock() { return clock_; }
  /// Of the time between the last two rows.
  const PhaseSeconds& phases() const { return phases_; }

  void episode(double episode_return, Index length, Index timestep);
  /// How many of the last training episodes "rollout/ep_rew_mean" is about.
  static constexpr std::size_t kRecentEpisodes = 100;
  /// Of the last training episodes' returns.
  const RecentMean& recent_returns() const { return returns_; }
  void evaluated(const EvalResult& result);

  /// A row of scalars, kScalarNames. An evaluation stands in one row only.
  void row(const RunPosition& position, const LearnSummary& learning);
  /// The least time between two calls of progress(), in seconds.
  static constexpr double kSecondsBetween = 0.1;
  /// It has passed since the last one, and there is a sink to show it. Call it at each step.
  bool progress_is_due();
  /// Call it after what takes much longer than a step of an environment: progress is then not late.
  void after_long_step() { progress_timer_.after_long_step(); }
  /// Calls the sinks' on_progress.
  void progress(const RunPosition& position, float loss);
  void flush();

  /// All that changes but what the sinks hold. The time so far is "time.seconds".
  void save(StateWriter& out) const;
  /// Throws: Error as StateReader::get. Starts the clock.
  void load(const StateReader& in);

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<MetricSink*> sinks_;
  PhaseClock clock_;
  PhaseSeconds phases_{};
  Clock::time_point start_ = Clock::now();
  RecentMean returns_{kRecentEpisodes}, lengths_{kRecentEpisodes};
  Index episodes_ = 0;
  double last_eval_mean_ = std::numeric_limits<double>::quiet_NaN();
  std::optional<EvalResult> evaluation_;  // not yet in a row
  DueTimer progress_timer_{kSecondsBetween};
  double progress_seconds_ = 0;  // when on_progress was called last
  Index progress_timestep_ = 0;
  double progress_rate_ = 0;  // environment steps a second, of the last report that saw a step
};

}  // namespace bellman
