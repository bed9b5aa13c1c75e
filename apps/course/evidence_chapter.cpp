// Chapter 12: what a few seeds show, and what they only seem to show.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/course/best_of_estimates.h"
#include "apps/course/course.h"
#include "apps/course/seed_draws.h"
#include "apps/page/axis.h"
#include "apps/page/chart.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostSeeds = 50;

/// The first comparison whose intervals are apart at that many seeds, drawn on to kMostSeeds at least.
struct ShownComparison {
  std::uint64_t number = 0;
  TwoSamples samples;
};

ShownComparison first_apart(std::span<const double> pool, std::size_t seeds, double advantage,
                            std::uint64_t seed) {
  constexpr std::uint64_t kMost = 1000;
  ShownComparison shown;
  for (shown.number = 0; shown.number < kMost; ++shown.number) {
    shown.samples = draw_samples(pool, std::max(seeds, kMostSeeds), advantage, seed, shown.number);
    const Interval a = mean_interval(std::span(shown.samples.a).first(seeds)),
                   b = mean_interval(std::span(shown.samples.b).first(seeds));
    if (a.high < b.low || b.high < a.low) break;
  }
  return shown;
}

Series means_by_seeds(std::string name, std::span<const double> sample) {
  Series series = {std::move(name), {}};
  for (std::size_t n = 2; n <= sample.size(); ++n) {
    const Interval interval = mean_interval(sample.first(n));
    series.points.push_back({static_cast<double>(n), mean(sample.first(n)), interval.low, interval.high});
  }
  return series;
}

/// A line with ticks at round returns; `place` gives the x of one.
template <class Place>
Markup returns_axis(double low, double high, double y, const Place& place) {
  const double step = round_step(std::max(high - low, 1e-9) / 5);
  Markup shapes = leaf("line", {{"class", "grid"},
                                {"x1", place(low)},
                                {"x2", place(high)},
                                {"y1", formatted("%g", y)},
                                {"y2", formatted("%g", y)}});
  for (double tick = step * std::ceil(low / step); tick <= high; tick += step)
    shapes += leaf("line", {{"class", "grid"},
                            {"x1", place(tick)},
                            {"x2", place(tick)},
                            {"y1", "26"},
                            {"y2", formatted("%g", y + 4)}}) +
              element("text", {{"x", place(tick)}, {"y", formatted("%g", y + 18)}, {"text-anchor", "middle"}},
                      as_text(formatted("%g", tick)));
  return shapes;
}

/// A row of dots, one a seed, with the mean and its interval beneath them; one frame a number of seeds.
Markup seeds_player(const TwoSamples& samples, const Series& a, const Series& b) {
  constexpr double kWidth = 560, kHeight = 190, kAxis = 146;
  const auto [least_a, most_a] = std::minmax_element(samples.a.begin(), samples.a.end());
  const auto [least_b, most_b] = std::minmax_element(samples.b.begin(), samples.b.end());
  const double low = std::min(*least_a, *least_b), high = std::max(*most_a, *most_b);
  const auto place = [&](double value) {
    return formatted("%.1f", 20 + (kWidth - 40) * (value - low) / std::max(high - low, 1e-9));
  };
  Markup shapes =
      returns_axis(low, high, kAxis, place) +
      element("text", {{"x", formatted("%g", kWidth / 2)}, {"y", "184"}, {"text-anchor", "middle"}},
              Markup("return of a seed"));
  const auto add_method = [&](const std::string& name, const std::vector<double>& values, double y,
                              const std::string& color) {
    shapes += element("text", {{"x", "4"}, {"y", formatted("%g", y - 14)}}, as_text("method " + name));
    for (std::size_t i = 0; i < values.size(); ++i)
      shapes += leaf("circle", {{"class", "point " + color + " " + name + "-" + std::to_string(i)},
                                {"cx", place(values[i])},
                                {"cy", formatted("%g", y)},
                                {"r", "5"}});
    shapes += leaf("line", {{"class", "spread " + color + " interval-" + name},
                            {"y1", formatted("%g", y + 16)},
                            {"y2", formatted("%g", y + 16)}});
    shapes += leaf("circle", {{"class", "solid mean-" + name}, {"cy", formatted("%g", y + 16)}, {"r", "4"}});
  };
  add_method("A", samples.a, 40, "s0");
  add_method("B", samples.b, 110, "s1");

  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (std::size_t f = 0; f < a.points.size(); ++f) {
    const std::size_t seeds = f + 2;
    nlohmann::ordered_json set;
    std::string caption = formatted("%zu seeds each:", seeds);
    for (const auto& [name, points] : {std::pair{"A", &a.points}, std::pair{"B", &b.points}}) {
      const ChartPoint& p = (*points)[f];
      for (std::size_t i = 0; i < samples.a.size(); ++i)
        set[formatted(".%s-%zu", name, i)] = {{"visibility", i < seeds ? "visible" : "hidden"}};
      set[std::string(".interval-") + name] = {{"x1", place(std::max(p.low, low))},
                                               {"x2", place(std::min(p.high, high))}};
      set[std::string(".mean-") + name] = {{"cx", place(p.y)}};
      caption += formatted(" %s %.0f [%.0f, %.0f]", name, p.y, p.low, p.high);
    }
    const ChartPoint &p = a.points[f], &q = b.points[f];
    caption += p.high < q.low || q.high < p.low ? ". The intervals are apart." : ". The intervals overlap.";
    frames.push_back({{"set", std::move(set)}, {"caption", caption}});
  }
  return element("figure", {{"data-player", "seeds"}, {"data-rate", "2"}},
                 element("h3", Markup("Seed after seed")) +
                     element("svg",
                             {{"class", "scene"},
                              {"viewBox", formatted("0 0 %g %g", kWidth, kHeight)},
                              {"role", "img"},
                              {"aria-label", "returns of two methods, seed after seed"}},
                             shapes) +
                     element("figcaption",
                             as_text(formatted(
                                 "Each dot is the return of one seed. Below them stand the mean, a full "
                                 "dot, and its 95 %% interval. Move the slider from two seeds to %zu.",
                                 samples.a.size())))) +
         json_data("seeds", frames.dump()) + "\n";
}

Markup pool_histogram(std::span<const double> pool) {
  constexpr std::size_t kBins = 20;
  const auto [least, most] = std::minmax_element(pool.begin(), pool.end());
  const double width = std::max((*most - *least) / kBins, 1e-9);
  std::vector<double> edges, counts(kBins);
  for (std::size_t i = 0; i <= kBins; ++i) edges.push_back(*least + width * static_cast<double>(i));
  for (const double value : pool)
    counts[std::min(kBins - 1, static_cast<std::size_t>((value - *least) / width))] += 1;
  return histogram(
      {"The returns of all runs of one method",
       "Nothing but the seed differs between these runs. A method is this whole picture, not one bar of it.",
       "return", "runs"},
      edges, counts);
}

Experiment run_evidence(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Experiment experiment;
  const auto comparisons = static_cast<std::size_t>(settings.count("comparisons"));
  const auto few = static_cast<std::size_t>(settings.count("few"));
  const std::vector<double> pool =
      trained_returns(settings.count("runs"), settings.count("steps"), settings.seed(), stop);
  if (pool.size() < 2 || stop) return experiment;
  const double deviation = standard_deviation(pool), advantage = settings["effect"] * deviation;
  if (!(deviation > 0))
    fail("all ", pool.size(), " runs have the same return, ", pool.front(), ": there is nothing to draw");
  experiment.add("returns", std::vector{mean(pool), deviation},
                 "of all runs: their mean and standard deviation");

  Series bands = {"mean ± standard error, apart", {}}, intervals = {"95 % intervals, apart", {}},
         tests = {"Welch's test, p < 0.05", {}};
  ComparisonShares by_few, by_many;
  for (const std::size_t seeds : std::set<std::size_t>{3, few, 10, 20, kMostSeeds}) {
    const ComparisonShares shares = compare(pool, seeds, advantage, comparisons, settings.seed());
    const double x = static_cast<double>(seeds);
    bands.points.push_back({x, shares.bands_apart, shares.bands_apart, shares.bands_apart});
    intervals.points.push_back({x, shares.intervals_apart, shares.intervals_apart, shares.intervals_apart});
    tests.points.push_back({x, shares.significant, shares.significant, shares.significant});
    if (seeds == few) by_few = shares;
    if (seeds == kMostSeeds) by_many = shares;
  }
  const auto add = [&](const std::string& name, double ComparisonShares::*share, const std::string& meaning) {
    experiment.add(name, std::vector{by_few.*share, by_many.*share}, meaning);
  };
  add("gap", &ComparisonShares::median_gap,
      "median difference of the means, over the mean: by few seeds, and by 50");
  add("bands_apart", &ComparisonShares::bands_apart,
      "share of comparisons: mean ± standard error do not overlap");
  add("intervals_apart", &ComparisonShares::intervals_apart,
      "share: the bootstrap's 95 % intervals do not overlap");
  add("significant", &ComparisonShares::significant, "share: Welch's test has p < 0.05");
  add("covered", &ComparisonShares::covered, "share of the 95 % intervals that hold the true mean");
  experiment.add("peeking", share_by_peeking(pool, kMostSeeds, advantage, comparisons, settings.seed()),
                 "share with p < 0.05 at some number of seeds from 3 to 50");
  const auto candidates = static_cast<std::size_t>(settings.count("candidates"));
  const double noise = deviation / std::sqrt(static_cast<double>(few));
  experiment.add(
      "winner",
      std::vector{winners_gain(pool, candidates, few, comparisons, settings.seed()) / mean(pool),
                  best_of_estimates(std::vector<double>(candidates), noise).largest / mean(pool)},
      "by which share the best of equal candidates seems better, by few seeds; and by chapter 10's formula");

  const ShownComparison example = first_apart(pool, few, advantage, settings.seed());
  experiment.add("shown", static_cast<double>(example.number + 1), "number of the comparison in the figure");
  const Series a = means_by_seeds("method A", example.samples.a),
               b = means_by_seeds("method B", example.samples.b);
  experiment.figures +=
      line_chart({"Two methods, seed after seed",
                  "Mean of the seeds so far, with its 95 % interval. It is the first comparison whose "
                  "intervals are apart "
                  "at few seeds.",
                  "seeds", "return"},
                 {a, b}) +
      seeds_player(example.samples, a, b) + pool_histogram(pool) +
      line_chart(
          {"How often a comparison \"shows\" a difference",
           "With effect = 0 both methods are the same, and every share is one of errors.", "seeds", "share"},
          {bands, intervals, tests});
  return experiment;
}

constexpr CourseSetting kEvidenceSettings[] = {
    {"runs", 200, 2, 2000, "trainings of one method, from which all seeds are drawn", true},
    {"steps", 5000, 300, 100'000, "of each training", true},
    {"few", 5, 3, 100, "seeds of a small comparison", true},
    {"effect", 0, -10, 10, "what method B gets added, in standard deviations of the runs"},
    {"candidates", 10, 1, 1000, "equal settings; the best of them by few seeds is taken", true},
    {"comparisons", 1000, 10, 100'000, "that are drawn", true},
    {"seed", 1, 0, 1e9, "from which all others are derived", true},
};

}  // namespace

const Chapter& evidence_chapter() {
  static const Chapter chapter = {
      12, "Evidence",
      "Method A and method B are the same program. Five seeds of each are trained. How often "
      "are their error bars, mean plus or minus one standard error, apart?",
      kEvidenceSettings, run_evidence};
  return chapter;
}

}  // namespace bellman
