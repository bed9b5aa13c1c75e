// Chapter 8: what a replay draws, what a batch is worth, and what a network learns from the same steps in another order.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "apps/course/beam.h"
#include "apps/course/beam_walk.h"
#include "apps/course/course.h"
#include "apps/course/replay_draws.h"
#include "apps/page/chart.h"
#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

constexpr std::size_t kShownLags = 200;

// ---- what a ring that a walk fills gives

double variance_of(const std::vector<double>& numbers) {
  double mean = 0, sum = 0;
  for (const double x : numbers) mean += x / static_cast<double>(numbers.size());
  for (const double x : numbers) sum += (x - mean) * (x - mean);
  return sum / static_cast<double>(numbers.size());
}

double poisson(double mean, double k) { return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)); }

Series correlation_series(std::string name, const std::vector<double>& correlation) {
  Series series = {std::move(name), {}};
  for (std::size_t k = 0; k < kShownLags && k < correlation.size(); ++k)
    series.points.push_back({static_cast<double>(k), correlation[k], correlation[k], correlation[k]});
  return series;
}

void replay_findings(Experiment& experiment, const CourseSettings& settings, const GridTask& task,
                     const std::atomic<bool>& stop) {
  const ReplayDraws ring = draw_from_ring(task,
                                          {.capacity = settings.count("capacity"),
                                           .batch = settings.count("batch"),
                                           .every = settings.count("train_every"),
                                           .steps = settings.count("walk"),
                                           .seed = settings.seed()},
                                          stop);
  if (stop) return;
  const auto batch = static_cast<std::size_t>(settings.count("batch")),
             capacity = static_cast<std::size_t>(settings.count("capacity"));
  const double each = settings["batch"] / settings["train_every"];
  double drawn = 0, never = 0;
  std::vector<double> times(40), expected_times, edges = {0};
  for (const double n : ring.times) {
    drawn += n, never += n == 0;
    if (n < 40) ++times[static_cast<std::size_t>(n)];
  }
  const auto overwritten = static_cast<double>(ring.times.size());
  for (std::size_t k = 0; k < times.size(); ++k) {
    expected_times.push_back(overwritten * poisson(each, static_cast<double>(k)));
    edges.push_back(static_cast<double>(k + 1));
  }
  const std::vector<double> exact = exact_correlation(task, std::max({capacity, batch, kShownLags})),
                            measured = measured_correlation(ring.walked, kShownLags);
  const double variance = variance_of(ring.walked);
  // The mean of a batch drawn from a ring varies with the draw, and with what the ring happens to hold.
  const double of_ring = 1 / independent_samples(exact, capacity);
  experiment.add("mean_age", std::vector{ring.mean_age, ring.expected_mean_age},
                 "of what is drawn, in steps: measured, by the formula");
  experiment.add("times_drawn", std::vector{drawn / overwritten, each},
                 "how often a transition is drawn in its life, likewise");
  experiment.add("never_drawn", std::vector{never / overwritten, std::exp(-each)},
                 "share of transitions that never are, likewise");
  experiment.add("correlation", std::vector{measured[1], exact[1]},
                 "of a state with the next one: measured, exact");
  experiment.add("worth_consecutive",
                 std::vector{variance / ring.variance_walked, independent_samples(exact, batch)},
                 "independent samples in a batch of consecutive steps: measured, exact");
  experiment.add(
      "worth_drawn",
      std::vector{variance / ring.variance_drawn, 1 / ((1 - of_ring) / static_cast<double>(batch) + of_ring)},
      "the same of a batch that is drawn");
  std::vector<double> age_edges;
  for (std::size_t i = 0; i <= ReplayDraws::kAgeBins; ++i)
    age_edges.push_back(static_cast<double>(i * capacity) / static_cast<double>(ReplayDraws::kAgeBins));
  experiment.figures +=
      line_chart(
          {"How alike two states are, by their distance in the batch",
           "The correlation of the agent's cell with its cell that many places later.", "places later",
           "correlation"},
          {correlation_series("consecutive steps", measured), correlation_series("exact", exact),
           correlation_series("drawn from the replay", measured_correlation(ring.drawn, kShownLags))}) +
      histogram({"Ages of what is drawn",
                 "Bars: measured, from the first step on. Line: each draw is uniform on what the ring holds.",
                 "age in steps", "draws"},
                age_edges, ring.ages, ring.expected_ages) +
      histogram({"How often a transition is drawn before it is overwritten",
                 "Bars: measured. Line: Poisson's distribution with the mean batch / train_every.",
                 "times drawn", "transitions"},
                edges, times, expected_times);
}

// ---- the same steps, learnt from in three ways

constexpr std::array kOrders = {"replay, batch of 32", "replay, batch of 1", "as they come, batch of 1"};

struct OrderRun {
  std::vector<ChartPoint> error;   // root of the mean square of Q - Q*, by environment steps
  std::vector<ChartPoint> middle;  // Q of a step to the left in the middle
  double late_error = 0,
         late_jump = 0;  // in the second half; jump: between two looks, root of the mean square
};

OrderRun train_in_order(const CourseSettings& settings, const GridTask& task, std::size_t order,
                        std::uint64_t seed, const std::atomic<bool>& stop) {
  TrainConfig config;
  config.network = "dense 32, tanh";
  config.gamma = settings["gamma"];
  config.seed = seed;
  config.total_timesteps = settings.count("steps");
  config.learning_rate = 0.01;
  config.replay = order != 2;
  config.batch_size = order == 0 ? 32 : 1;
  config.buffer_size = 5000;
  config.learning_starts = 100;
  config.train_frequency = 1;
  config.target_network_frequency = 50;
  config.end_e = 1;  // it walks at random: all three see the same steps
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.keep_best = false;
  const TabularEnv beam("Beam", task, GridObservation::kCoordinates, 0);
  const TabularValues exact = value_iteration(task.mdp, config.gamma, &stop);
  CpuBackend backend;
  TrainerParts parts;
  parts.make_env = [&] { return std::make_unique<TabularEnv>(beam); };
  Trainer trainer(config, backend, parts);
  OrderRun run;
  trainer.set_checkpoint_hook(std::max<Index>(1, config.total_timesteps / 200), [&](Index t) {
    std::array<float, 2> seen{}, q{};
    double sum = 0;
    for (std::int32_t s = 1; s + 1 < task.cols; ++s) {
      beam.observe_state(seen, s);
      trainer.q_values(q, seen, 1);
      for (std::size_t a = 0; a < 2; ++a) {
        const double error = static_cast<double>(q[a]) - exact.q[2 * static_cast<std::size_t>(s) + a];
        sum += error * error / (2 * (task.cols - 2));
      }
      const double x = static_cast<double>(t), left = q[0];
      if (s == task.mdp.starts().front().state) run.middle.push_back({x, left, left, left});
    }
    const double x = static_cast<double>(t), rms = std::sqrt(sum);
    run.error.push_back({x, rms, rms, rms});
  });
  trainer.run(&stop);
  const std::size_t half = run.error.size() / 2, n = run.error.size() - half;
  for (std::size_t i = half; i < run.error.size() && half > 0; ++i) {
    run.late_error += run.error[i].y / static_cast<double>(n);
    const double jump = run.middle[i].y - run.middle[i - 1].y;
    run.late_jump += jump * jump / static_cast<double>(n);
  }
  run.late_jump = std::sqrt(run.late_jump);
  return run;
}

void order_findings(Experiment& experiment, const CourseSettings& settings, const GridTask& task,
                    const std::atomic<bool>& stop) {
  const Index seeds = settings.count("seeds");
  std::array<std::vector<OrderRun>, kOrders.size()> runs;
  for (std::size_t order = 0; order < kOrders.size(); ++order)
    for (Index i = 0; i < seeds; ++i) {
      runs[order].push_back(train_in_order(settings, task, order, static_cast<std::uint64_t>(i + 1), stop));
      if (stop) return;
    }
  std::vector<double> errors, jumps;
  std::vector<Series> curves, middles;
  for (std::size_t order = 0; order < kOrders.size(); ++order) {
    Series curve = {kOrders[order], runs[order].front().error};
    double error = 0, jump = 0;
    for (const OrderRun& run : runs[order]) {
      error += run.late_error / static_cast<double>(seeds);
      jump += run.late_jump / static_cast<double>(seeds);
    }
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      ChartPoint& point = curve.points[i];
      point.y = 0;
      for (const OrderRun& run : runs[order]) {
        const double y = run.error[i].y;
        point.y += y / static_cast<double>(seeds);
        point.low = std::min(point.low, y), point.high = std::max(point.high, y);
      }
    }
    errors.push_back(error), jumps.push_back(jump), curves.push_back(std::move(curve));
    middles.push_back({kOrders[order], runs[order].front().middle});
  }
  double worse = 0;
  for (std::size_t i = 0; i < runs[0].size(); ++i) worse += runs[2][i].late_error > runs[1][i].late_error;
  const TabularValues exact = value_iteration(task.mdp, settings["gamma"], &stop);
  const std::vector<double> played(exact.q.begin() + 2, exact.q.end() - 2);
  experiment.add("constant_error", std::sqrt(variance_of(played)),
                 "error of a network that says the mean of Q* everywhere");
  experiment.add("error", errors, "late error: replay batch 32, replay batch 1, as they come");
  experiment.add("jump", jumps, "how much a Q-value changes in 1/200 of the run, likewise");
  experiment.add("online_is_worse", worse, "seeds in which the last errs more than the second");
  experiment.figures +=
      line_chart({"Error while three networks learn from the same steps",
                  "Root of the mean square of Q − Q*. Lines are means over the seeds, bands their range.",
                  "environment steps", "error"},
                 curves) +
      line_chart({"One Q-value of one seed", "A step to the left in the middle of the beam.",
                  "environment steps", "Q"},
                 middles);
}

Experiment run_replay(const CourseSettings& settings, const std::atomic<bool>& stop) {
  if (settings["walk"] < 2 * settings["capacity"])
    fail("walk is ", settings["walk"], ", must be at least twice the capacity, ", settings["capacity"]);
  const GridTask task = beam_task({.cells = static_cast<std::int32_t>(settings.count("cells"))});
  Experiment experiment;
  replay_findings(experiment, settings, task, stop);
  if (!stop && settings.count("steps") > 0) order_findings(experiment, settings, task, stop);
  return experiment;
}

constexpr CourseSetting kReplaySettings[] = {
    {"cells", 21, 3, 99, "of the beam", true},
    {"capacity", 10000, 10, 1e5, "slots of the ring", true},
    {"batch", 32, 1, 4096, "transitions drawn at a time", true},
    {"train_every", 4, 1, 1000, "steps between two draws", true},
    {"walk", 300000, 1000, 2e6, "steps that fill the ring; well over its capacity", true},
    {"gamma", 0.9, 0, 0.99, "the discount of what is learnt"},
    {"steps", 10000, 0, 1e6, "that each network learns from; 0: none is trained", true},
    {"seeds", 6, 1, 100, "of each kind of network", true},
    {"seed", 1, 0, 1e9, "of the walk and the draws", true},
};

}  // namespace

const Chapter& replay_chapter() {
  static const Chapter chapter = {8, "Replay",
                                  "An agent walks at random on a beam of 21 cells. How many independent "
                                  "samples are 32 consecutive steps worth? And "
                                  "32 steps that are drawn from the last 10,000?",
                                  kReplaySettings, run_replay};
  return chapter;
}

}  // namespace bellman
