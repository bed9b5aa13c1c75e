// Chapter 9: how far the target network is behind, and what happens where nothing holds bootstrapping back.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "apps/course/baird.h"
#include "apps/course/course.h"
#include "apps/page/chart.h"
#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

// ---- Baird's counterexample

/// By how much 1000 updates multiply values, in the long run.
double in_1000_updates(const SquareMatrix& update, Index updates = 1) {
  return std::exp(1000 * log_spectral_radius(update) / static_cast<double>(updates));
}

/// The same of a run: of the second half of its updates.
double measured_in_1000(const std::vector<double>& norms) {
  const std::size_t half = norms.size() / 2;
  return std::pow(norms.back() / norms[half], 1000 / static_cast<double>(norms.size() - 1 - half));
}

Series norm_series(std::string name, const std::vector<double>& norms) {
  Series series = {std::move(name), {}};
  const std::size_t stride = norms.size() / 200 + 1;
  for (std::size_t t = 0; t < norms.size(); t += stride)
    series.points.push_back({static_cast<double>(t), norms[t], norms[t], norms[t]});
  return series;
}

void baird_findings(Experiment& experiment, const CourseSettings& settings, const std::atomic<bool>& stop) {
  const Baird baird = {settings["gamma"], settings["alpha"], settings["solid"]};
  const Index updates = settings.count("updates"), copy_every = settings.count("copy_every");
  const auto run = [&](BairdStates states, BairdUpdate update, Index copied) {
    return run_baird(baird, states, update, copied, updates, stop);
  };
  const BairdRun triad = run(BairdStates::kAlike, BairdUpdate::kSemiGradient, 1),
                 on_policy = run(BairdStates::kOnPolicy, BairdUpdate::kSemiGradient, 1),
                 residual = run(BairdStates::kAlike, BairdUpdate::kResidualGradient, 1),
                 copied = run(BairdStates::kAlike, BairdUpdate::kSemiGradient, copy_every);
  if (stop) return;
  experiment.add(
      "triad",
      std::vector{in_1000_updates(baird_update(baird, BairdStates::kAlike, BairdUpdate::kSemiGradient)),
                  measured_in_1000(triad.value_norms)},
      "growth in 1000 updates: by the spectral radius, measured");
  experiment.add("overflow", triad.overflow < 0 ? std::nan("") : static_cast<double>(triad.overflow),
                 "the update in which the guard finds a loss or gradient that is not finite");
  experiment.add("on_policy",
                 in_1000_updates(baird_update(baird, BairdStates::kOnPolicy, BairdUpdate::kSemiGradient)),
                 "growth where states are updated as often as the policy is there");
  experiment.add("table", in_1000_updates(baird_table_update(baird)),
                 "growth with a table instead of features");
  experiment.add("no_bootstrap", in_1000_updates(baird_monte_carlo_update(baird)),
                 "growth with returns as targets");
  experiment.add("residual",
                 in_1000_updates(baird_update(baird, BairdStates::kAlike, BairdUpdate::kResidualGradient)),
                 "growth along the true gradient of the squared error");
  experiment.add("copied", in_1000_updates(baird_copied_update(baird, copy_every), copy_every),
                 "growth with targets from a copy of the weights");
  Series intervals = {"growth in 1000 updates", {}}, none = {"neither grows nor shrinks", {}};
  double first = std::nan(""), best = std::nan(""), least = 1;
  for (Index c = 1; c <= 3000 && !stop; c += c / 100 + 1) {  // each one up to 100, then in steps of 1 %
    const double growth = in_1000_updates(baird_copied_update(baird, c), c), x = static_cast<double>(c);
    intervals.points.push_back({x, growth, growth, growth});
    none.points.push_back({x, 1, 1, 1});
    if (growth < 1 && std::isnan(first)) first = x;
    if (growth < least) least = growth, best = x;
  }
  experiment.add(
      "copy_intervals", std::vector{first, best},
      "fewest updates between two copies with which it shrinks; those with which it shrinks fastest");
  experiment.figures +=
      line_chart(
          {"Baird's counterexample: the size of the weights",
           "The solution is 0. On a logarithmic axis, exponential growth is a straight line.",
           "expected updates", "norm of the weights"},
          {norm_series("semi-gradient, off policy", triad.norms),
           norm_series("semi-gradient, on policy", on_policy.norms),
           norm_series("true gradient, off policy", residual.norms),
           norm_series(formatted("semi-gradient, off policy, a copy every %d", static_cast<int>(copy_every)),
                       copied.norms)},
          Scale::kLinear, Scale::kLog10) +
      line_chart(
          {"How often to copy",
           "Above 1 the weights grow without end, below 1 they shrink. Copying too rarely makes it slow.",
           "updates between two copies", "growth in 1000 updates"},
          {intervals, none}, Scale::kLog10, Scale::kLog10);
}

// ---- the distance between the two networks of an agent

/// Hands everything on, and measures how far the target network is behind after each gradient step.
class DistanceLearner final : public Learner {
 public:
  DistanceLearner(Backend& backend, const Network& network, const LearnerOptions& options,
                  std::vector<double>& distances)
      : learner_(backend, network, options), distances_(distances) {}
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override {
    learner_.q_values(q, observations, n);
  }
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    const LearnStats stats = learner_.learn(batch, learning_rate, td_error);
    const std::span<const float> online = learner_.online().flat().host(),
                                 target = learner_.target().flat().host();
    double squares = 0;
    for (std::size_t i = 0; i < online.size(); ++i)
      squares += std::pow(static_cast<double>(online[i]) - static_cast<double>(target[i]), 2);
    distances_.push_back(std::sqrt(squares));
    return stats;
  }
  void update_target(float tau) override { learner_.update_target(tau); }
  void get_parameters(std::span<float> out) override { learner_.get_parameters(out); }
  void set_parameters(std::span<const float> in) override { learner_.set_parameters(in); }
  void save(StateWriter& out) const override { learner_.save(out); }
  void load(const StateReader& in) override { learner_.load(in); }

 private:
  OpByOpLearner learner_;
  std::vector<double>& distances_;
};

/// ||theta - theta-|| after each gradient step of an agent on CartPole.
std::vector<double> distances_of(const CourseSettings& settings, Index frequency, double tau,
                                 std::uint64_t seed, const std::atomic<bool>& stop) {
  TrainConfig config;
  config.network = "dense 32, relu, dense 32, relu";
  config.seed = seed;
  config.total_timesteps = settings.count("steps");
  config.learning_rate = 1e-3;
  config.batch_size = 32;
  config.learning_starts = 100;
  config.train_frequency = 1;
  config.target_network_frequency = frequency;
  config.tau = tau;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.keep_best = false;
  CpuBackend backend;
  std::vector<double> distances;
  TrainerParts parts;
  parts.make_learner = [&](const Network& network, const LearnerOptions& options) {
    return std::make_unique<DistanceLearner>(backend, network, options, distances);
  };
  Trainer(config, backend, parts).run(&stop);
  return distances;
}

void distance_findings(Experiment& experiment, const CourseSettings& settings,
                       const std::atomic<bool>& stop) {
  struct Pace {
    Index frequency;
    double tau;
    std::string name;
  };
  const double tau = settings["tau"];
  const std::array paces = {Pace{1, 1, "copied every step"}, Pace{100, 1, "every 100"},
                            Pace{1000, 1, "every 1000"}, Pace{1, tau, formatted("τ = %g every step", tau)}};
  const Index seeds = settings.count("seeds");
  std::vector<double> means;
  std::vector<Series> curves;
  for (const Pace& pace : paces) {
    double sum = 0;
    std::vector<double> distances;
    for (Index seed = seeds; seed >= 1; --seed) {
      distances = distances_of(settings, pace.frequency, pace.tau, static_cast<std::uint64_t>(seed), stop);
      if (stop) return;
      const auto half = static_cast<std::ptrdiff_t>(distances.size() / 2);
      for (auto d = distances.begin() + half; d != distances.end(); ++d)
        sum += *d / static_cast<double>((distances.end() - distances.begin()) - half);
    }
    means.push_back(sum / static_cast<double>(seeds));
    Series curve = {pace.name, {}};
    for (std::size_t i = 0; i < distances.size(); i += distances.size() / 400 + 1)
      curve.points.push_back({static_cast<double>(i), distances[i], distances[i], distances[i]});
    curves.push_back(std::move(curve));
  }
  experiment.add("distance", means,
                 "mean distance of the two networks: copied every step, every 100, every 1000, tau");
  experiment.figures +=
      line_chart({"How far the target network is behind",
                  "Distance of the parameters of both networks after each gradient step, of one seed.",
                  "gradient steps", "‖θ − θ⁻‖"},
                 curves, Scale::kLinear, Scale::kLog10);
}

Experiment run_target(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  baird_findings(experiment, settings, stop);
  if (!stop && settings.count("steps") > 0) distance_findings(experiment, settings, stop);
  return experiment;
}

constexpr CourseSetting kTargetSettings[] = {
    {"gamma", 0.99, 0, 0.9999, "discount of the counterexample"},
    {"alpha", 0.01, 1e-4, 0.3, "size of its updates"},
    {"solid", 1, 0, 1, "probability that its policy goes to state 7"},
    {"copy_every", 100, 1, 1e4, "updates between two copies of its weights", true},
    {"updates", 20000, 10, 1e6, "that are made at most", true},
    {"tau", 0.01, 1e-4, 1, "of the soft update, in an agent on CartPole"},
    {"steps", 5000, 0, 1e5, "of that agent; 0: none", true},
    {"seeds", 2, 1, 20, "of it", true},
};

}  // namespace

const Chapter& target_chapter() {
  static const Chapter chapter = {
      9, "The target network and the deadly triad",
      "Seven states, no rewards, so the value of every state is 0. The exact expected update of TD learning "
      "starts with "
      "small wrong values. Its step size is small and nothing is random. Where does it end?",
      kTargetSettings, run_target};
  return chapter;
}

}  // namespace bellman
