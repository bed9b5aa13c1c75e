// Chapter 4: a network in place of a table, and what it says of states that it has not seen.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/course/exact_values.h"
#include "apps/course/fitted_q.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/scene/value_map.h"
#include "core/base/rng.h"
#include "core/base/text.h"

namespace bellman {
namespace {

/// The playable states in two parts: the network is trained on one and asked for the other.
struct StateSplit {
  States trained, held_out;
};

StateSplit random_split(const ExactValues& exact, double share, std::uint64_t seed) {
  States states = exact.states();
  RandomSequence random({seed, Purpose::kSeeds, 1});
  for (std::size_t i = states.size(); i-- > 1;)
    std::swap(states[i], states[uniform_index(random.word(), static_cast<std::uint32_t>(i + 1))]);
  const auto count = std::lround(share * static_cast<double>(states.size()));
  return {{states.begin() + count, states.end()}, {states.begin(), states.begin() + count}};
}

/// Holds out two columns of the pocket that the wall shuts off from the goal; the same cells where there is no wall.
StateSplit pocket_split(const ExactValues& exact) {
  StateSplit split;
  for (const std::int32_t s : exact.states()) {
    const std::int32_t row = s / exact.task().cols, column = s % exact.task().cols;
    (row >= 3 && (column == 2 || column == 3) ? split.held_out : split.trained).push_back(s);
  }
  return split;
}

/// The mean of the trained states' Q-values everywhere: all that can be said of a state about which nothing is known.
std::vector<double> mean_everywhere(const ExactValues& exact, const States& trained) {
  const auto actions = static_cast<std::size_t>(exact.task().mdp.num_actions());
  double sum = 0;
  for (const std::int32_t s : trained)
    for (std::size_t a = 0; a < actions; ++a) sum += exact.q()[static_cast<std::size_t>(s) * actions + a];
  return std::vector<double>(exact.q().size(), sum / static_cast<double>(trained.size() * actions));
}

/// Appends the map of max_a q - V*, with "?" in the states that were held out.
void append_errors(HeatMap& map, const ExactValues& exact, const std::vector<double>& q,
                   const StateSplit& split) {
  const GridTask& task = exact.task();
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s) {
    const bool asked = std::count(split.held_out.begin(), split.held_out.end(), s) > 0;
    // Two digits; adding 0 makes a zero of -0.
    map.values.push_back(task.mdp.playable(s) ? std::round(100 * exact.value_error(q, s)) / 100 + 0.0
                                              : std::nan(""));
    map.captions.push_back(formatted("cell %d%s", s, asked ? ", held out" : ""));
    map.marks.push_back(asked                  ? "?"
                        : task.mdp.playable(s) ? ""
                                               : std::string(1, task.symbols[static_cast<std::size_t>(s)]));
  }
  map.rows += static_cast<std::size_t>(task.rows);
  map.columns = static_cast<std::size_t>(task.cols);
  map.diverging = map.with_numbers = true;
}

/// A row without numbers that says what stands above and below it; a word a column.
void append_words(HeatMap& map, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    map.values.push_back(std::nan(""));
    map.captions.emplace_back("no cell");
    map.marks.push_back(word);
  }
  ++map.rows;
}

/// What stays the same from fit to fit.
struct FitPlan {
  const ExactValues& exact;
  QFit fit;
  double held_out;
  std::uint64_t seed;
  const std::atomic<bool>& stop;

  StateSplit split(std::uint64_t i) const { return random_split(exact, held_out, derived_seed(seed, i)); }
  /// `watch` may be empty.
  FittedQ fitted(GridObservation observation, const StateSplit& split, std::uint64_t i,
                 const std::function<void(Index, const std::vector<double>&)>& watch = {}) const {
    QFit options = fit;
    options.observation = observation;
    options.seed = derived_seed(seed, i);
    return fit_q(exact.task(), exact.q(), split.trained, options, stop, watch);
  }
};

constexpr std::uint64_t kFits = 8;  // seeds that means are taken over

/// To four digits after the point, where another processor's rounding does not show.
double four_digits(double error) { return std::round(1e4 * error) / 1e4; }

/// Means over the seeds.
struct EncodingErrors {
  double trained = 0, held_out = 0, arrows = 0;
};

EncodingErrors mean_errors(const FitPlan& plan, GridObservation observation) {
  EncodingErrors errors;
  for (std::uint64_t i = 0; i < kFits && !plan.stop; ++i) {
    const StateSplit split = plan.split(i);
    const FittedQ fitted = plan.fitted(observation, split, i);
    errors.trained += plan.exact.error(fitted.q, split.trained) / kFits;
    errors.held_out += plan.exact.error(fitted.q, split.held_out) / kFits;
    errors.arrows += plan.exact.best_arrows(fitted.q, split.held_out) / kFits;
  }
  return errors;
}

/// One fit with its errors on the way.
struct WatchedFit {
  FittedQ fitted;
  std::vector<Series> errors;  // trained, held out
  std::vector<ValueMoment> moments;
};

WatchedFit watched_fit(const FitPlan& plan, GridObservation observation, const std::string& name) {
  const StateSplit split = plan.split(0);
  WatchedFit watched;
  watched.errors = {{name + ", trained cells", {}}, {name + ", held-out cells", {}}};
  watched.fitted = plan.fitted(observation, split, 0, [&](Index step, const std::vector<double>& q) {
    const double seen = plan.exact.error(q, split.trained), unseen = plan.exact.error(q, split.held_out),
                 at = static_cast<double>(step);
    watched.errors[0].points.push_back({at, seen, seen, seen});
    watched.errors[1].points.push_back({at, unseen, unseen, unseen});
    watched.moments.push_back({formatted("after %lld steps: error %.3g where it was trained, %.3g elsewhere",
                                         static_cast<long long>(step), seen, unseen),
                               q});
  });
  return watched;
}

/// Both encodings on the first split: findings that need no mean, and the figures.
Markup compared_encodings(Experiment& experiment, const FitPlan& plan) {
  const StateSplit split = plan.split(0);
  WatchedFit one_hot = watched_fit(plan, GridObservation::kOneHot, "one-hot"),
             coordinates = watched_fit(plan, GridObservation::kCoordinates, "coordinates");
  double untouched = 0;
  for (const std::int32_t s : split.held_out)
    untouched += one_hot.fitted.untouched[static_cast<std::size_t>(s)];
  experiment.add("untouched", std::vector<double>{untouched, static_cast<double>(split.held_out.size())},
                 "held-out cells whose own weights never moved, one-hot; all held-out cells");

  HeatMap map;
  map.title = "How far each value is off, in cells that were seen and in others (?)";
  map.how_to_read =
      "Each cell has max Q − V*: red is too high, blue too low. Cells without ? were trained "
      "on. Network and steps are the same; only the observation differs.";
  append_errors(map, plan.exact, one_hot.fitted.q, split);
  append_words(map, {"↑", "one-", "hot", "", "", "", "↓", "coordi-", "nates"});
  append_errors(map, plan.exact, coordinates.fitted.q, split);
  std::vector<Series> curves = one_hot.errors;
  curves.insert(curves.end(), coordinates.errors.begin(), coordinates.errors.end());
  return heat_map(map) +
         line_chart(
             {"The error while training", "Root mean square of Q − Q* over cells and actions, one seed.",
              "gradient steps", "error"},
             curves, Scale::kLinear, Scale::kLog10) +
         value_player("network-player", plan.exact.task(), coordinates.moments,
                      "What the network with coordinates says while it learns",
                      "Compare its arrows after few steps and at the end.");
}

/// The pocket behind the wall, held out as a whole.
Markup held_out_pocket(Experiment& experiment, const FitPlan& plan) {
  const StateSplit pocket = pocket_split(plan.exact);
  const std::vector<double> nothing(plan.exact.q().size(), 0.0);
  HeatMap map;
  map.title = "Coordinates, with the pocket left of the wall held out";
  map.how_to_read =
      "The network has seen low values on the left and high ones on the right, and draws a "
      "smooth line between them. No step leads through the wall.";
  double bias = 0;
  for (std::uint64_t i = 0; i < kFits && !(plan.stop && i > 0); ++i) {
    const FittedQ fitted = plan.fitted(GridObservation::kCoordinates, pocket, i);
    bias += plan.exact.mean_value_error(fitted.q, pocket.held_out) / kFits;
    if (i == 0) append_errors(map, plan.exact, fitted.q, pocket);
  }
  experiment.add("pocket_value", -plan.exact.mean_value_error(nothing, pocket.held_out),
                 "mean V* in the pocket behind the wall");
  experiment.add("pocket_bias", bias, "how much too high coordinates put it, when all of it is held out");
  return heat_map(map);
}

Experiment run_network(const CourseSettings& settings, const std::atomic<bool>& stop) {
  const GridTask task = wall_task(settings["wall"] != 0);
  const ExactValues exact(task, settings["gamma"], stop);
  const FitPlan plan = {exact,
                        {.width = settings.count("width"),
                         .steps = settings.count("steps"),
                         .learning_rate = settings["learning_rate"]},
                        settings["held_out"],
                        settings.seed(),
                        stop};
  double guess = 0;
  for (std::uint64_t i = 0; i < kFits; ++i) {
    const StateSplit split = plan.split(i);
    guess += exact.error(mean_everywhere(exact, split.trained), split.held_out) / kFits;
  }
  const EncodingErrors one_hot = mean_errors(plan, GridObservation::kOneHot),
                       coordinates = mean_errors(plan, GridObservation::kCoordinates);

  Experiment experiment;
  experiment.add("guess", guess, "error on held-out cells of saying the trained cells' mean everywhere");
  experiment.add("one_hot_trained", four_digits(one_hot.trained),
                 "error on trained cells, one-hot observations");
  experiment.add("one_hot_held_out", four_digits(one_hot.held_out), "on held-out cells");
  experiment.add("coordinates_trained", four_digits(coordinates.trained),
                 "error on trained cells, row and column");
  experiment.add("coordinates_held_out", four_digits(coordinates.held_out), "on held-out cells");
  experiment.add("arrows", std::vector<double>{one_hot.arrows, coordinates.arrows},
                 "share of held-out cells with a best arrow: one-hot, coordinates");
  const Markup figures = compared_encodings(experiment, plan);
  experiment.figures = figures + held_out_pocket(experiment, plan);
  return experiment;
}

constexpr CourseSetting kNetworkSettings[] = {
    {"held_out", 0.3, 0.05, 0.9, "share of the cells that the network is not trained on"},
    {"wall", 1, 0, 1, "0: floor in place of the wall", true},
    {"gamma", 0.9, 0, 0.99, "what a reward one step later is worth"},
    {"width", 32, 1, 256, "units of each of the two hidden layers", true},
    {"steps", 2000, 1, 20'000, "gradient steps, each with all trained cells", true},
    {"learning_rate", 0.003, 1e-6, 1, "of Adam"},
    {"seed", 1, 0, 1e9, "of the first weights and of the cells that are held out", true},
};

}  // namespace

const Chapter& network_chapter() {
  static const Chapter chapter = {
      4, "From table to network",
      "A network learns the exact values of 70 % of the cells, once from one-hot "
      "observations and once from row and column. How far off is it in the other 30 %?",
      kNetworkSettings, run_network};
  return chapter;
}

}  // namespace bellman
