// Chapter 7: what a learner believes that bootstraps beyond the end, and one that takes a time limit for the end.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "apps/course/beam.h"
#include "apps/course/course.h"
#include "apps/lab/faulty_parts.h"
#include "apps/page/chart.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

// ---- what a Q-table of the beam says

/// The mean over cells and actions.
double beam_mean(const GridTask& task, std::span<const double> q) {
  double sum = 0;
  for (std::int32_t s = 1; s + 1 < task.cols; ++s)
    sum += q[2 * static_cast<std::size_t>(s)] + q[2 * static_cast<std::size_t>(s) + 1];
  return sum / (2 * (task.cols - 2));
}

/// At the edges: by how much the step inwards is better than the step into the void; the mean of both ends.
double edge_gap(const GridTask& task, std::span<const double> q) {
  const std::size_t last = 2 * static_cast<std::size_t>(task.cols - 2);
  return ((q[3] - q[2]) + (q[last] - q[last + 1])) / 2;
}

BeamRules beam_rules(const CourseSettings& settings) {
  return {.cells = static_cast<std::int32_t>(settings.count("cells")),
          .wind = settings["wind"],
          .step_reward = settings["step_reward"],
          .fall_reward = settings["fall_reward"]};
}

// ---- exact fixed points

void exact_points(Experiment& experiment, const CourseSettings& settings, const std::atomic<bool>& stop) {
  const double gamma = settings["gamma"];
  Series mean = {"mean Q", {}}, gap = {"gap at the edge", {}};
  std::vector<ValueMoment> moments;
  BeamRules rules = beam_rules(settings);
  const GridTask drawn = beam_task(rules);
  for (int percent = 0; percent <= 100 && !stop; percent += 5) {
    rules.bootstrapped = percent / 100.0;
    const GridTask task = beam_task(rules);
    const TabularValues values = value_iteration(task.mdp, gamma, &stop);
    const double m = beam_mean(task, values.q), g = edge_gap(task, values.q);
    mean.points.push_back({rules.bootstrapped, m, m, m});
    gap.points.push_back({rules.bootstrapped, g, g, g});
    moments.push_back({formatted("%d %% of the edge's value beyond it", percent), values.q});
    if (percent == 0) {
      experiment.add("sound_q", m, "mean of Q* over the beam's cells and actions");
      experiment.add("sound_gap", g, "how much better the step inwards is at the edge");
    }
  }
  if (stop) return;
  experiment.add("unmasked_q", mean.points.back().y, "the same mean without the terminal mask");
  experiment.add("unmasked_gap", gap.points.back().y, "the same gap without it");
  rules.bootstrapped = 0;
  rules.cut = 1 / settings["limit"];
  const GridTask cut = beam_task(rules);
  const TabularValues values = value_iteration(cut.mdp, gamma, &stop);
  experiment.add("limit_q", beam_mean(cut, values.q), "the mean where the time limit counts as the end");
  experiment.figures +=
      line_chart({"The wrong equation's solution",
                  "On the left nothing follows a fall. On the right the ground is worth as much as the edge. "
                  "The gap tells the actions apart.",
                  "share bootstrapped after a fall", "value"},
                 {mean, gap}) +
      value_player("beam", drawn, moments, "The best action and its value in each cell",
                   "Move the slider to the right: more and more of the edge's value follows a fall.");
}

// ---- the same, learnt by a network

constexpr std::array kBeamFaults = {Fault::kNone, Fault::kNoDoneMask, Fault::kTruncationAsTermination};
constexpr std::array kBeamFaultNames = {"sound", "no terminal mask", "the limit is an end"};

struct BeamRun {
  std::vector<ChartPoint> mean, gap;  // by environment steps
  double final_return = 0;
  bool knows_edges = false;  // takes the step inwards at both
};

TrainConfig beam_config(const CourseSettings& settings) {
  TrainConfig config;
  config.network = "dense 16, tanh";
  config.gamma = settings["gamma"];
  config.total_timesteps = settings.count("steps");
  config.learning_rate = 0.01;
  config.buffer_size = 5000;
  config.batch_size = 32;
  config.learning_starts = 200;
  config.train_frequency = 4;
  config.target_network_frequency = 40;
  config.end_e = 0.1;
  config.eval_frequency = 0;
  config.final_eval_episodes = 20;
  config.keep_best = false;
  return config;
}

BeamRun train_on_beam(const CourseSettings& settings, Fault fault, std::uint64_t seed,
                      const std::atomic<bool>& stop) {
  const GridTask task = beam_task(beam_rules(settings));
  const TabularEnv beam("Beam", task, GridObservation::kCoordinates, settings.count("limit"));
  TrainConfig config = beam_config(settings);
  config.seed = seed;
  FaultyBackend<float> backend(fault);
  TrainerParts parts;
  parts.make_env = [&] { return faulty_env(fault, std::make_unique<TabularEnv>(beam)); };
  parts.make_learner = [&](const Network& network, const LearnerOptions& options) {
    return std::make_unique<OpByOpLearner>(backend, network, options);
  };
  Trainer trainer(config, backend, parts);
  BeamRun run;
  const auto look = [&](Index t) {
    std::array<float, 2> seen{}, values{};
    std::vector<double> q;
    for (std::int32_t s = 0; s < task.cols; ++s) {
      beam.observe_state(seen, s);
      trainer.q_values(values, seen, 1);
      q.insert(q.end(), values.begin(), values.end());
    }
    const double x = static_cast<double>(t), m = beam_mean(task, q), g = edge_gap(task, q);
    run.mean.push_back({x, m, m, m});
    run.gap.push_back({x, g, g, g});
    const std::size_t last = 2 * static_cast<std::size_t>(task.cols - 2);
    run.knows_edges = q[3] > q[2] && q[last] > q[last + 1];
  };
  trainer.set_checkpoint_hook(std::max<Index>(1, config.total_timesteps / 40), look);
  run.final_return = trainer.run(&stop).eval.mean;
  return run;
}

/// The mean over the seeds, and their range.
Series over_seeds(std::string name, const std::vector<BeamRun>& runs,
                  std::vector<ChartPoint> BeamRun::*curve) {
  Series series = {std::move(name), runs.front().*curve};
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    ChartPoint& point = series.points[i];
    double sum = 0;
    for (const BeamRun& run : runs) {
      const double y = (run.*curve)[i].y;
      sum += y;
      point.low = std::min(point.low, y);
      point.high = std::max(point.high, y);
    }
    point.y = sum / static_cast<double>(runs.size());
  }
  return series;
}

void trained_points(Experiment& experiment, const CourseSettings& settings, const std::atomic<bool>& stop) {
  const Index seeds = settings.count("seeds");
  std::vector<Series> means, gaps;
  std::vector<double> q, gap, returns, known;
  for (std::size_t f = 0; f < kBeamFaults.size(); ++f) {
    std::vector<BeamRun> runs;
    for (Index i = 0; i < seeds; ++i) {
      runs.push_back(train_on_beam(settings, kBeamFaults[f], static_cast<std::uint64_t>(i + 1), stop));
      if (stop) return;
    }
    means.push_back(over_seeds(kBeamFaultNames[f], runs, &BeamRun::mean));
    gaps.push_back(over_seeds(kBeamFaultNames[f], runs, &BeamRun::gap));
    q.push_back(means.back().points.back().y);
    gap.push_back(std::round(gaps.back().points.back().y));
    double sum = 0;
    for (const BeamRun& run : runs) sum += run.final_return;
    returns.push_back(sum / static_cast<double>(seeds));
    known.push_back(static_cast<double>(
        std::count_if(runs.begin(), runs.end(), [](const BeamRun& run) { return run.knows_edges; })));
  }
  experiment.add("trained_q", q, "mean Q of trained networks: sound, no mask, the limit is an end");
  experiment.add("trained_gap", gap, "their gap at the edge, in whole numbers");
  experiment.add("trained_return", returns, "what their greedy policies return");
  experiment.add("know_the_edges", known, "seeds whose network steps inwards at both");
  experiment.figures += line_chart({"Mean Q while a network learns",
                                    "Lines are means over the seeds, bands their range. The exact values "
                                    "stand among the numbers below.",
                                    "environment steps", "mean Q over the beam"},
                                   means) +
                        line_chart({"The gap at the edge while it learns",
                                    "How much better the step inwards seems than the step into the void.",
                                    "environment steps", "Q(inwards) − Q(outwards)"},
                                   gaps);
}

Experiment run_terminal(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  exact_points(experiment, settings, stop);
  if (!stop && settings.count("steps") > 0) trained_points(experiment, settings, stop);
  return experiment;
}

constexpr CourseSetting kTerminalSettings[] = {
    {"gamma", 0.99, 0, 0.999, "the discount"},
    {"cells", 7, 1, 99, "of the beam", true},
    {"wind", 0.1, 0, 1, "probability that a step goes the other way"},
    {"step_reward", 1, -10, 10, "for a step on the beam"},
    {"fall_reward", 1, -10, 10, "for the step that falls"},
    {"limit", 50, 1, 1e6, "steps of an episode at most", true},
    {"steps", 12000, 0, 1e6, "that each network learns from; 0: none is trained", true},
    {"seeds", 5, 1, 100, "of each kind of network", true},
};

}  // namespace

const Chapter& terminal_chapter() {
  static const Chapter chapter = {
      7, "Terminal is not truncated",
      "Every step is worth 1, the discount is 0.99, and a program forgets that nothing follows the last "
      "step. What will "
      "it say that a state is worth in which the agent is about to fall? What will it do there?",
      kTerminalSettings, run_terminal};
  return chapter;
}

}  // namespace bellman
