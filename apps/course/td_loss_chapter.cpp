// Chapter 6: a learn step with every number, and what one outlier does to it.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/worked_step.h"
#include "apps/page/chart.h"
#include "core/base/rng.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/dqn_update.h"

namespace bellman {
namespace {

constexpr Index kOutlierBefore = 3000, kOutlierAfter = 4000;
constexpr double kOrdinaryError = 0.1, kStreamRate = 1e-3;

/// What the bias of a linear network went through, one number a learn step; the outlier comes with step kOutlierBefore.
struct OutlierRun {
  std::vector<double> gradient, step, v, divisor;  // step: in learning rates; divisor: sqrt(v^)
};

/// Rewards are a linear function of s and noise, which the network knows from the start: all it sees is noise. Every
/// transition ends its episode, so that y = r.
OutlierRun run_outlier(const CourseSettings& settings, LossKind loss, const std::atomic<bool>& stop) {
  ReferenceBackend<float> backend;
  const Network network("dense 1", {1});
  const double beta2 = settings["beta2"];
  const Index b = settings.count("batch");
  LearnerOptions options;
  options.max_batch = b;
  options.loss = loss;
  options.huber_delta = settings["huber_delta"];
  options.optimizer = AdamOptions{.beta2 = beta2};
  DqnUpdate update(backend, network, options);
  float& weight = *update.online()[0].data();
  float& bias = *update.online()[1].data();
  weight = 1, bias = 0;
  RandomSequence random({settings.seed(), Purpose::kEnvironment, 0});
  const DqnUpdate::Batch batch = update.batch(b);
  std::fill_n(batch.transitions.terminated.data(), b, 1.0F);
  std::fill_n(batch.weights.data(), b, 1.0F);
  OutlierRun run;
  for (Index t = 0; t < kOutlierBefore + kOutlierAfter && !stop; ++t) {
    for (Index n = 0; n < b; ++n) {
      const double s = random.uniform(-1, 1), noise = kOrdinaryError * random.normal(),
                   outlier = t == kOutlierBefore && n == 0 ? settings["outlier"] : 0;
      batch.observations.data()[n] = static_cast<float>(s);
      batch.transitions.reward.data()[n] = static_cast<float>(s + noise + outlier);
    }
    const double before = bias;
    update.run(b, static_cast<float>(kStreamRate));
    const double v = *update.optimizer().moments()[1].values[1].data();
    run.gradient.push_back(*update.gradients()[1].data());
    run.step.push_back((bias - before) / kStreamRate);
    run.v.push_back(v);
    run.divisor.push_back(std::sqrt(v / (1 - std::pow(beta2, static_cast<double>(t + 1)))));
  }
  return run;
}

/// Root of the mean square of the 1000 numbers before the outlier.
double ordinary_size(const std::vector<double>& numbers) {
  double sum = 0;
  for (auto x = numbers.begin() + kOutlierBefore - 1000; x != numbers.begin() + kOutlierBefore; ++x)
    sum += *x * *x;
  return std::sqrt(sum / 1000);
}

/// What is left of the learning rate eta / sqrt(v^) at this step after the outlier.
double rate_left(const OutlierRun& run, Index after) {
  return ordinary_size(run.divisor) / run.divisor[static_cast<std::size_t>(kOutlierBefore + after)];
}

/// Steps until 1/e is left of what the outlier added to v.
double steps_remembered(const OutlierRun& run) {
  const auto at = static_cast<std::size_t>(kOutlierBefore);
  const double ordinary = run.v[at - 1], level = ordinary + (run.v[at] - ordinary) / std::exp(1.0);
  for (std::size_t t = at; t < run.v.size(); ++t)
    if (run.v[t] <= level) return static_cast<double>(t - at);
  return std::nan("");
}

Series outlier_series(std::string name, const std::vector<double>& numbers, Index from, Index to,
                      Index stride) {
  Series series = {std::move(name), {}};
  for (Index t = from; t < to; t += stride) {
    const double y = numbers[static_cast<std::size_t>(kOutlierBefore + t)];
    series.points.push_back({static_cast<double>(t), y, y, y});
  }
  return series;
}

Experiment run_td_loss(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  const WorkedStep step = worked_step({.reward = static_cast<float>(settings["reward"]),
                                       .gamma = static_cast<float>(settings["gamma"]),
                                       .terminated = static_cast<float>(settings["terminated"]),
                                       .learning_rate = static_cast<float>(settings["learning_rate"])});
  experiment.add("target", step.tensors.at("y")[0], "y of the one transition");
  experiment.add("td_error", step.td_error, "its delta");
  experiment.add("loss", step.loss, "delta squared");
  experiment.add("gradient_norm", step.gradient_norm(), "norm of the loss's gradient");
  double smallest = 1e9, largest = 0;
  Index moved = 0;
  for (const WorkedStep::Parameter& p : step.parameters) {
    if (p.gradient == 0) continue;
    ++moved;
    smallest = std::min(smallest, std::abs(p.after - p.before));
    largest = std::max(largest, std::abs(p.after - p.before));
  }
  experiment.add("parameters_moved", static_cast<double>(moved), "of 12: those with a gradient");
  experiment.add("adams_steps", std::vector{smallest, largest},
                 "the smallest and the largest of their steps");
  experiment.add("q_after", step.q_after, "Q(s, a) after the step");

  const OutlierRun mse = run_outlier(settings, LossKind::kMeanSquaredError, stop),
                   huber = run_outlier(settings, LossKind::kHuber, stop);
  if (stop) return experiment;
  for (const auto& [name, run] : {std::pair("mse", &mse), std::pair("huber", &huber)}) {
    const std::string with = std::string(" (") + (run == &mse ? "MSE" : "Huber") + ")";
    const auto at = run->gradient.begin() + kOutlierBefore;
    experiment.add(std::string("gradient_") + name, std::abs(*at) / ordinary_size(run->gradient),
                   "gradient of the outlier's batch, in ordinary ones" + with);
    const auto largest_step =
        std::max_element(run->step.begin() + kOutlierBefore, run->step.begin() + kOutlierBefore + 20,
                         [](double a, double b) { return std::abs(a) < std::abs(b); });
    experiment.add(std::string("step_") + name, std::abs(*largest_step),
                   "Adam's largest step in the next 20, in learning rates" + with);
    experiment.add(std::string("rate_") + name, rate_left(*run, 20),
                   "eta / sqrt(v) 20 steps later, as a share of what it was" + with);
  }
  experiment.add("carried_mse",
                 std::abs(std::accumulate(mse.step.begin() + kOutlierBefore,
                                          mse.step.begin() + kOutlierBefore + 20, 0.0)),
                 "those 20 steps added up, in learning rates (MSE)");
  experiment.add("remembered", steps_remembered(mse), "steps until 1/e of the outlier is left in v (MSE)");
  experiment.figures =
      line_chart({"What Adam divides by, before and after one outlier",
                  "√v̂ of the bias. It jumps with the outlier and falls again, at first by "
                  "the factor √β₂ a step. As long as it is high, every ordinary gradient makes "
                  "a smaller step. Huber's slope is δ instead of 2δ, so its line begins at half.",
                  "learn steps after the outlier", "√v̂"},
                 {outlier_series("mean squared error", mse.divisor, -500, kOutlierAfter, 20),
                  outlier_series("Huber", huber.divisor, -500, kOutlierAfter, 20)},
                 Scale::kLinear, Scale::kLog10) +
      worked_step_walk(step) +
      line_chart({"Adam's steps around the outlier",
                  "The bias's steps in learning rates. No step exceeds (1 − β₁) / √(1 − β₂) "
                  "of them by much, however "
                  "large the gradient.",
                  "learn steps after the outlier", "step / η"},
                 {outlier_series("mean squared error", mse.step, -20, 60, 1),
                  outlier_series("Huber", huber.step, -20, 60, 1)});
  return experiment;
}

constexpr CourseSetting kTdLossSettings[] = {
    {"reward", 1, -1e3, 1e3, "of the one transition"},
    {"gamma", 0.9, 0, 1, "its discount"},
    {"terminated", 0, 0, 1, "1: its episode ends", true},
    {"learning_rate", 0.01, 1e-6, 1, "of its step"},
    {"outlier", 100, 0, 1e6, "TD error of the one among ordinary errors of 0.1"},
    {"batch", 32, 1, 256, "transitions of a learn step there", true},
    {"beta2", 0.999, 0, 0.9999, "how slowly Adam's v forgets"},
    {"huber_delta", 1, 1e-3, 1e6, "where Huber's loss becomes a line"},
    {"seed", 1, 0, 1e9, "of the ordinary errors", true},
};

}  // namespace

const Chapter& td_loss_chapter() {
  static const Chapter chapter = {
      6, "The TD loss and Adam",
      "One transition in a batch of 32 has a TD error a thousand times as large as the others. How much "
      "larger is "
      "the gradient, how much larger is Adam's step, and for how long does it show?",
      kTdLossSettings, run_td_loss};
  return chapter;
}

}  // namespace bellman
