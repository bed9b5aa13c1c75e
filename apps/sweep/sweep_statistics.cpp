#include "apps/sweep/sweep_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/rng.h"

namespace bellman {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kNever = std::numeric_limits<double>::infinity();  // a run that never solves it
constexpr std::size_t kResamples = 2000;
constexpr std::uint64_t kBootstrapSeed = 1;

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

/// The q-quantile of sorted values, interpolated linearly.
double quantile(std::span<const double> ascending, double q) {
  const double at = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = static_cast<std::size_t>(std::ceil(at));  // not the next one, which may be infinite
  return std::lerp(ascending[below], ascending[above], at - static_cast<double>(below));
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
/// REQUIRES: x < (a + 1) / (a + b + 2), where it converges quickly.
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300, kEnough = 1e-15;
  constexpr int kMostTerms = 10'000;  // about the root of a + b are needed
  const auto not_zero = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int i = 1; i < kMostTerms; ++i) {
    const double m = i;
    double change = 1;
    for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      d = 1 / not_zero(1 + term * d);
      c = not_zero(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (std::abs(change - 1) < kEnough) break;
  }
  return fraction;
}

/// I_x(a,b): the probability that a Beta(a,b) variable is below x.
double regularised_beta(double x, double a, double b) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const bool mirrored = x >= (a + 1) / (a + b + 2);  // I_x(a,b) = 1 - I_{1-x}(b,a)
  const double log_factor =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  const double tail = mirrored ? std::exp(log_factor) * beta_fraction(1 - x, b, a) / b
                               : std::exp(log_factor) * beta_fraction(x, a, b) / a;
  return mirrored ? 1 - tail : tail;
}

/// The x with I_x(a,b) = q, by bisection.
double beta_quantile(double q, double a, double b) {
  double low = 0, high = 1;
  for (double middle = 0.5; low < middle && middle < high; middle = (low + high) / 2)
    (regularised_beta(middle, a, b) < q ? low : high) = middle;
  return low;
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return kNone;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return kNone;
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double median(std::span<const double> values) {
  return values.empty() ? kNone : quantile(sorted(values), 0.5);
}

double interquartile_mean(std::span<const double> values) {
  const std::vector<double> ascending = sorted(values);
  const std::size_t cut = ascending.size() / 4;
  return mean(std::span(ascending).subspan(cut, ascending.size() - 2 * cut));
}

Interval clopper_pearson(std::size_t successes, std::size_t trials) {
  if (trials == 0) return {kNone, kNone};
  constexpr double kTail = 0.025;
  const auto hits = static_cast<double>(successes), misses = static_cast<double>(trials - successes);
  return {hits == 0 ? 0 : beta_quantile(kTail, hits, misses + 1),
          misses == 0 ? 1 : beta_quantile(1 - kTail, hits + 1, misses)};
}

// t^2 = difference^2 / (e_a + e_b) with e = variance / n. Welch and Satterthwaite's degrees of freedom are
// (e_a + e_b)^2 / (e_a^2 / (n_a - 1) + e_b^2 / (n_b - 1)); then P(|T| > t) = I_x(df / 2, 1 / 2) at x = df / (df + t^2).
double welch_test(std::span<const double> a, std::span<const double> b) {
  if (a.size() < 2 || b.size() < 2) return kNone;
  const auto squared_error = [](std::span<const double> values) {
    const double deviation = standard_deviation(values);
    return deviation * deviation / static_cast<double>(values.size());
  };
  const double error_a = squared_error(a), error_b = squared_error(b), error = error_a + error_b;
  if (!(error > 0)) return kNone;
  const double difference = mean(a) - mean(b), t2 = difference * difference / error;
  const double freedom = error * error /
                         (error_a * error_a / static_cast<double>(a.size() - 1) +
                          error_b * error_b / static_cast<double>(b.size() - 1));
  return regularised_beta(freedom / (freedom + t2), freedom / 2, 0.5);
}

Interval percentile_interval(std::vector<double> statistics) {
  if (statistics.empty()) return {kNone, kNone};
  std::sort(statistics.begin(), statistics.end());
  return {quantile(statistics, 0.025), quantile(statistics, 0.975)};
}

Draw seeded_draw(std::uint64_t seed, std::uint32_t lane) {
  return [=](std::size_t i, std::span<std::uint32_t> places) {
    RandomSequence random({seed, Purpose::kBootstrap, lane}, i);
    for (std::uint32_t& place : places)
      place = uniform_index(random.word(), static_cast<std::uint32_t>(places.size()));
  };
}

Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            const Draw& draw) {
  if (values.empty()) return {kNone, kNone};
  std::vector<std::uint32_t> places(values.size());
  std::vector<double> sample(values.size()), statistics(resamples);
  for (std::size_t i = 0; i < resamples; ++i) {
    draw(i, places);
    for (std::size_t k = 0; k < sample.size(); ++k) sample[k] = values[places[k]];
    statistics[i] = statistic(sample);
  }
  return percentile_interval(std::move(statistics));
}

Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            std::uint64_t seed) {
  return bootstrap_interval(values, statistic, resamples, seeded_draw(seed));
}

VariantSummary summarise(std::span<const SweepRun> runs) {
  std::vector<double> returns, steps, seconds;
  VariantSummary summary;
  for (const SweepRun& run : runs) {
    if (!is_over(run)) continue;
    const bool finished = run.state == RunState::kFinished;
    if (finished) returns.push_back(run.result.eval.mean);
    summary.failed += !finished;
    const bool solved = finished && run.result.solved_at_timestep.has_value();
    steps.push_back(solved ? static_cast<double>(*run.result.solved_at_timestep) : kNever);
    seconds.push_back(solved ? run.result.seconds_to_solve : kNever);
    summary.solved += solved;
  }
  summary.finished = returns.size();
  summary.solved_bounds = clopper_pearson(static_cast<std::size_t>(summary.solved), steps.size());
  summary.solved /= static_cast<double>(steps.size());
  summary.mean = mean(returns);
  summary.std = standard_deviation(returns);
  summary.iqm = interquartile_mean(returns);
  summary.interval = bootstrap_interval(returns, interquartile_mean, kResamples, kBootstrapSeed);
  summary.median_steps_to_solve = median(steps);
  summary.median_seconds_to_solve = median(seconds);
  return summary;
}

std::vector<VariantSummary> summarise(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::vector<VariantSummary> summaries;
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    summaries.push_back(summarise(runs_of(plan, runs, v)));
  return summaries;
}

}  // namespace bellman
