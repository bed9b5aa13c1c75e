#include "apps/course/seed_draws.h"

#include <algorithm>
#include <cmath>

#include "core/base/rng.h"
#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

constexpr double kLevel = 0.05;

double standard_error(std::span<const double> values) {
  return standard_deviation(values) / std::sqrt(static_cast<double>(values.size()));
}

bool are_apart(const Interval& a, const Interval& b) { return a.high < b.low || b.high < a.low; }

}  // namespace

std::vector<double> trained_returns(Index runs, Index steps, std::uint64_t seed,
                                    const std::atomic<bool>& stop) {
  TrainConfig config;
  config.env.id = "CartPole-v1";
  config.total_timesteps = steps;
  config.network = "dense 32, relu";
  config.learning_rate = 0.004;
  config.double_dqn = true;
  config.n_step = 3;
  config.target_network_frequency = 50;
  config.buffer_size = steps + steps / 4;
  config.batch_size = 32;
  config.learning_starts = 200;
  config.train_frequency = 2;
  config.exploration_fraction = 0.3;
  config.eval_frequency = 0;
  config.final_eval_episodes = 10;
  CpuBackend backend;
  std::vector<double> returns;
  for (Index i = 0; i < runs && !stop; ++i) {
    config.seed = derived_seed(seed, static_cast<std::uint64_t>(i));
    const TrainResult result = Trainer(config, backend).run(&stop);
    if (!result.interrupted) returns.push_back(result.eval.mean);
  }
  return returns;
}

TwoSamples draw_samples(std::span<const double> pool, std::size_t seeds, double advantage, std::uint64_t seed,
                        std::uint64_t k) {
  RandomSequence random({seed, Purpose::kBootstrap, 1}, k);
  const auto draw = [&] {
    return pool[uniform_index(random.word(), static_cast<std::uint32_t>(pool.size()))];
  };
  TwoSamples samples;
  for (std::size_t i = 0; i < seeds; ++i) {
    samples.a.push_back(draw());
    samples.b.push_back(draw() + advantage);
  }
  return samples;
}

Interval mean_interval(std::span<const double> values) {
  constexpr std::size_t kResamples = 200;
  return bootstrap_interval(values, mean, kResamples, 1);
}

ComparisonShares compare(std::span<const double> pool, std::size_t seeds, double advantage,
                         std::size_t comparisons, std::uint64_t seed) {
  ComparisonShares shares = {.seeds = seeds};
  const double truth = mean(pool), one = 1 / static_cast<double>(comparisons);
  std::vector<double> gaps;
  for (std::size_t k = 0; k < comparisons; ++k) {
    const TwoSamples samples = draw_samples(pool, seeds, advantage, seed, k);
    const double gap = std::abs(mean(samples.a) - mean(samples.b));
    const Interval a = mean_interval(samples.a), b = mean_interval(samples.b);
    gaps.push_back(gap);
    if (gap > standard_error(samples.a) + standard_error(samples.b)) shares.bands_apart += one;
    if (are_apart(a, b)) shares.intervals_apart += one;
    if (welch_test(samples.a, samples.b) < kLevel) shares.significant += one;
    if (a.low <= truth && truth <= a.high) shares.covered += one;
  }
  shares.median_gap = median(gaps) / std::abs(truth);
  return shares;
}

double share_by_peeking(std::span<const double> pool, std::size_t most, double advantage,
                        std::size_t comparisons, std::uint64_t seed) {
  std::size_t found = 0;
  for (std::size_t k = 0; k < comparisons; ++k) {
    const TwoSamples samples = draw_samples(pool, most, advantage, seed, k);
    for (std::size_t n = 3; n <= most; ++n)
      if (welch_test(std::span(samples.a).first(n), std::span(samples.b).first(n)) < kLevel) {
        ++found;
        break;
      }
  }
  return static_cast<double>(found) / static_cast<double>(comparisons);
}

double winners_gain(std::span<const double> pool, std::size_t settings, std::size_t seeds,
                    std::size_t comparisons, std::uint64_t seed) {
  double sum = 0;
  for (std::size_t k = 0; k < comparisons; ++k) {
    RandomSequence random({seed, Purpose::kBootstrap, 2}, k);
    double best = -std::numeric_limits<double>::infinity();
    for (std::size_t setting = 0; setting < settings; ++setting) {
      double of_setting = 0;
      for (std::size_t i = 0; i < seeds; ++i)
        of_setting += pool[uniform_index(random.word(), static_cast<std::uint32_t>(pool.size()))];
      best = std::max(best, of_setting / static_cast<double>(seeds));
    }
    sum += best;
  }
  return sum / static_cast<double>(comparisons) - mean(pool);
}

}  // namespace bellman
