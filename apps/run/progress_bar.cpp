#include "apps/run/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "apps/base/numbers.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMaxBar = 30;

double fraction_done(const Progress& progress) {
  if (progress.total_timesteps <= 0) return 0;
  const double fraction =
      static_cast<double>(progress.timestep) / static_cast<double>(progress.total_timesteps);
  return std::clamp(fraction, 0.0, 1.0);
}

/// A part of the line. Fields of the highest rank are left out first.
struct Field {
  std::string text;
  int rank;
};

std::vector<Field> fields(const Progress& progress, double seconds_left) {
  std::vector<Field> result;
  const auto add = [&](int rank, std::string text) { result.push_back({std::move(text), rank}); };
  // Rounded down: 100 % is the end and nothing before it.
  add(0, formatted("%3.0f %%", std::floor(100 * fraction_done(progress))));
  const std::string step = with_separators(progress.timestep);
  const std::size_t widest = std::max(step.size(), with_separators(progress.total_timesteps).size());
  add(2, "step " + std::string(widest - step.size(), ' ') + step);
  if (progress.steps_per_second > 0)
    add(5, with_separators(std::llround(progress.steps_per_second)) + " steps/s");
  if (!std::isnan(progress.mean_return)) add(1, "return " + short_number(progress.mean_return));
  if (!std::isnan(progress.eval_mean)) add(4, "evaluation " + short_number(progress.eval_mean));
  add(6, formatted("epsilon %.3f", progress.epsilon));
  if (!std::isnan(progress.loss)) add(7, formatted("loss %.3g", progress.loss));
  if (!std::isnan(seconds_left)) add(3, duration_text(seconds_left) + " left");
  return result;
}

std::string joined(const std::vector<Field>& parts) {
  std::string line;
  for (const Field& part : parts) line.append(line.empty() ? "" : "  ").append(part.text);
  return line;
}

std::string bar(double fraction, std::size_t width) {
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "] ";
}

}  // namespace

std::string bar_line(const Progress& progress, double seconds_left, std::size_t width) {
  constexpr std::size_t kFrame = 3, kNarrow = 30;  // brackets and a space; no bar where less fits
  const std::size_t least_bar = width < kNarrow ? 0 : kFrame + std::min<std::size_t>(10, width / 5);
  std::vector<Field> parts = fields(progress, seconds_left);
  std::string line = joined(parts);
  while (line.size() + least_bar > width && parts.size() > 1) {
    parts.erase(std::max_element(parts.begin(), parts.end(),
                                 [](const Field& a, const Field& b) { return a.rank < b.rank; }));
    line = joined(parts);
  }
  if (least_bar == 0) return line.substr(0, width);
  return bar(fraction_done(progress), std::min(kMaxBar, width - line.size() - kFrame)) + line;
}

std::string plain_line(const Progress& progress, double seconds_left) {
  return joined(fields(progress, seconds_left));
}

double TimeLeft::update(const Progress& progress) {
  const double since = progress.seconds - last_seconds_;
  last_seconds_ = progress.seconds;
  if (progress.steps_per_second > 0 && since > 0) {
    // The pace changes when learning starts: the weight of older measurements decays within a few seconds.
    constexpr double kMemory = 3;  // seconds
    const double share = rate_ > 0 ? 1 - std::exp(-since / kMemory) : 1;
    rate_ += share * (progress.steps_per_second - rate_);
  }
  const Index steps_left = progress.total_timesteps - progress.timestep;
  return rate_ > 0 && steps_left > 0 ? static_cast<double>(steps_left) / rate_
                                     : std::numeric_limits<double>::quiet_NaN();
}

ProgressBar::ProgressBar(std::ostream& out, int descriptor)
    : out_(out), descriptor_(descriptor), picture_(out) {}

void ProgressBar::on_progress(const Progress& progress) {
  const double left = time_left_.update(progress);
  if (descriptor_ >= 0) {
    picture_.draw({bar_line(progress, left, terminal_size(descriptor_).columns - 1)});
    return;
  }
  // A line every twentieth of the run, at least twice a minute, and at the end.
  constexpr double kLongestSilence = 30;
  const bool part_done = progress.timestep - std::max<Index>(0, printed_timestep_) >=
                         std::max<Index>(1, progress.total_timesteps / 20);
  const bool at_end = progress.timestep >= progress.total_timesteps && progress.timestep > printed_timestep_;
  if (!part_done && !at_end && progress.seconds - printed_seconds_ < kLongestSilence) return;
  printed_timestep_ = progress.timestep;
  printed_seconds_ = progress.seconds;
  out_ << plain_line(progress, left) << std::endl;
}

}  // namespace bellman
