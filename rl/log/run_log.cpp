#include "rl/log/run_log.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace bellman {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// What is counted over a time; 0 before any time has passed.
double rate(Index count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

}  // namespace

// Value number n lies in place n mod capacity, and the sum goes from place to place.
RecentMean RecentMean::after(std::size_t capacity, std::size_t count, std::span<const double> last) {
  RecentMean recent(capacity);
  const auto kept = last.last(std::min(count, capacity));
  recent.values_.assign(kept.begin(), kept.end());
  if (count <= capacity) return recent;
  recent.oldest_ = count % capacity;
  std::rotate(recent.values_.begin(), recent.values_.end() - static_cast<std::ptrdiff_t>(recent.oldest_),
              recent.values_.end());
  return recent;
}

void RecentMean::add(double value) {
  if (values_.size() < values_.capacity()) {
    values_.push_back(value);
    return;
  }
  values_[oldest_] = value;
  oldest_ = (oldest_ + 1) % values_.size();
}

double RecentMean::mean() const {
  if (values_.empty()) return kNone;
  return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
}

void RecentMean::save(StateWriter& out, const std::string& name) const {
  out.add(name, values_);
  out.add(name + ".oldest", static_cast<std::uint64_t>(oldest_));
}

void RecentMean::load(const StateReader& in, const std::string& name) {
  const auto values = in.get<double>(name);
  const auto oldest = in.number<std::uint64_t>(name + ".oldest");
  if (values.size() > values_.capacity() || (oldest != 0 && oldest >= values.size()))
    fail(in.source(), ": ", name, " has ", values.size(), " values, ", name, ".oldest is ", oldest,
         "; the window is of ", values_.capacity());
  values_.assign(values.begin(), values.end());
  oldest_ = static_cast<std::size_t>(oldest);
}

void RunLog::start(double seconds) {
  start_ = Clock::now() - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

double RunLog::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void RunLog::episode(double episode_return, Index length, Index timestep) {
  returns_.add(episode_return);
  lengths_.add(static_cast<double>(length));
  ++episodes_;
  const EpisodeRecord record{episode_return, length, seconds(), timestep};
  for (MetricSink* sink : sinks_) sink->on_episode(record);
}

void RunLog::evaluated(const EvalResult& result) {
  evaluation_ = result;
  last_eval_mean_ = result.mean;
}

void RunLog::row(const RunPosition& position, const LearnSummary& learning) {
  phases_ = clock_.take();
  const PhaseClock::Whole timed(clock_, Phase::kRecords);
  const double now = seconds();
  const std::array<double, kScalarNames.size()> values = {
      returns_.mean(),
      lengths_.mean(),
      position.epsilon,
      rate(position.timestep, now),
      static_cast<double>(position.timestep),
      now,
      learning.loss,
      learning.mean_q,
      learning.gradient_norm,
      position.learning_rate,
      static_cast<double>(position.gradient_updates),
      static_cast<double>(position.skipped_updates),
      static_cast<double>(position.skipped_steps),
      evaluation_ ? evaluation_->mean : kNone,
      evaluation_ ? evaluation_->std : kNone,
      evaluation_ ? evaluation_->mean_length : kNone,
  };
  evaluation_.reset();
  std::array<Scalar, kScalarNames.size()> scalars;
  for (std::size_t i = 0; i < scalars.size(); ++i) scalars[i] = {kScalarNames[i], values[i]};
  for (MetricSink* sink : sinks_) sink->on_scalars(position.timestep, scalars);
}

bool RunLog::progress_is_due() {
  return !sinks_.empty() && progress_timer_.is_due([this] { return seconds(); });
}

void RunLog::progress(const RunPosition& position, float loss) {
  const double now = seconds();
  const double since = now - progress_seconds_;
  const Index steps = position.timestep - progress_timestep_;
  if (steps > 0) progress_rate_ = rate(steps, since);
  const Progress progress = {.timestep = position.timestep,
                             .total_timesteps = position.total_timesteps,
                             .seconds = now,
                             .steps_per_second = progress_rate_,
                             .episodes = episodes_,
                             .mean_return = returns_.mean(),
                             .epsilon = position.epsilon,
                             .loss = static_cast<double>(loss),
                             .eval_mean = last_eval_mean_};
  progress_seconds_ = now;
  progress_timer_.restart(now);
  progress_timestep_ = position.timestep;
  for (MetricSink* sink : sinks_) sink->on_progress(progress);
}

void RunLog::flush() {
  for (MetricSink* sink : sinks_) sink->flush();
}

void RunLog::save(StateWriter& out) const {
  returns_.save(out, "log.returns");
  lengths_.save(out, "log.lengths");
  out.add("log.episodes", episodes_);
  out.add("log.last_eval_mean", last_eval_mean_);
  std::vector<double> evaluation;  // that no row has shown yet; empty: none
  if (evaluation_)
    evaluation = {evaluation_->mean, evaluation_->std,         evaluation_->min,
                  evaluation_->max,  evaluation_->mean_length, static_cast<double>(evaluation_->episodes)};
  out.add("log.evaluation", evaluation);
  out.add("time.seconds", seconds());
}

void RunLog::load(const StateReader& in) {
  returns_.load(in, "log.returns");
  lengths_.load(in, "log.lengths");
  episodes_ = in.count("log.episodes");
  last_eval_mean_ = in.number<double>("log.last_eval_mean");
  const auto e = in.get<double>("log.evaluation");
  if (!e.empty() && e.size() != 6)
    fail(in.source(), ": log.evaluation has ", e.size(), " numbers, must have 6");
  if (!e.empty() && !(e[5] >= 0 && e[5] <= 0x1p53))
    fail(in.source(), ": log.evaluation is of ", e[5], " episodes");
  evaluation_.reset();
  if (!e.empty()) evaluation_ = EvalResult{e[0], e[1], e[2], e[3], e[4], static_cast<Index>(e[5])};
  const auto seconds = in.number<double>("time.seconds");
  if (!(seconds >= 0 && seconds < 1e10)) fail(in.source(), ": time.seconds is ", seconds);
  start(seconds);
}

}  // namespace bellman
