// Scores and comparisons of a sweep beside values worked out by hand, and how its files and its page show them.
#include "apps/sweep/sweep_comparison.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/base/terminal.h"
#include "apps/sweep/comparison_report.h"
#include "apps/sweep/sweep_files.h"
#include "apps/sweep/sweep_report.h"
#include "core/base/check.h"
#include "tests/support/parse_json.h"

namespace bellman::test {
namespace {

/// A run of 400 steps, evaluated at 200 and 400.
SweepRun finished_run(double kept, double first, double last, double training) {
  SweepRun run;
  run.state = RunState::kFinished;
  run.timestep = run.result.timesteps = 400;
  run.result.eval = {.mean = kept, .std = 1, .min = kept, .max = kept, .mean_length = 7, .episodes = 10};
  run.result.training_mean = training;
  run.result.training_episodes = 100;
  run.curve = {{200, first}, {400, last}};
  return run;
}

/// gamma 0.9 and 0.99, four seeds each. The third run of the first failed; the fourth of the second came from
/// an earlier version, and ended early.
struct ComparedSweep {
  SweepPlan plan;
  std::vector<SweepRun> runs;

  ComparedSweep() {
    plan.grid = {&grid_setting("gamma")};
    for (const double gamma : {0.9, 0.99}) {
      ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
      resolved.config.gamma = gamma;
      resolved.config.total_timesteps = 400;
      resolved.origins.assign(settings().size(), "test");
      plan.variants.push_back(sweep_variant(plan.grid, resolved));
    }
    plan.seeds = {0, 1, 2, 3};
    runs = {finished_run(10, 2, 8, 5),  finished_run(20, 4, 10, 6), SweepRun(),
            finished_run(40, 0, 40, 8), finished_run(13, 2, 9, 7),  finished_run(21, 6, 10, 6),
            finished_run(30, 1, 3, 9),  finished_run(40, 0, 40, 0)};
    runs[2].state = RunState::kFailed;
    runs[2].error = "the loss is nan";
    runs[7].result.training_episodes.reset();
    runs[7].result.timesteps = runs[7].timestep = 300;
    runs[7].curve = {{200, 12}};
  }
};

const SweepScore& score_of(const std::string& key) {
  const auto scores = sweep_scores();
  return *std::find_if(scores.begin(), scores.end(), [&](const SweepScore& s) { return s.key == key; });
}

TEST_CASE("the scores of a sweep's runs, absent where a run has none") {
  const ComparedSweep sweep;
  const auto check_scores = [&](const std::string& key, std::size_t variant,
                                const std::vector<double>& expected) {
    CAPTURE(key);
    const std::vector<double> scores = scores_of(sweep.plan, sweep.runs, variant, score_of(key));
    REQUIRE(scores.size() == expected.size());
    for (std::size_t s = 0; s < scores.size(); ++s) {
      CAPTURE(s);
      CHECK(std::isnan(scores[s]) == std::isnan(expected[s]));
      if (!std::isnan(expected[s])) CHECK(scores[s] == expected[s]);
    }
  };
  check_scores("eval_mean", 0, {10, 20, NAN, 40});
  check_scores("last_eval_mean", 1, {9, 10, 3, NAN});    // the last run made 100 steps after its evaluation
  check_scores("area_under_curve", 0, {5, 7, NAN, 20});  // trapezia of two points: their mean
  check_scores("area_under_curve", 1, {5.5, 8, 2, 12});  // the last one keeps its only evaluation
  check_scores("training_mean", 1, {7, 6, 9, NAN});
}

TEST_CASE("each variant beside the baseline, over the seeds that both have") {
  const ComparedSweep sweep;
  const auto comparisons = compare_variants(sweep.plan, sweep.runs);
  REQUIRE(comparisons.size() == 2);
  CHECK(!comparisons[0]);
  REQUIRE(comparisons[1]);
  CHECK(comparisons[1]->baseline == 0);
  const ScoreComparison& kept = comparisons[1]->scores.front();
  CHECK(kept.pairs == 3);
  CHECK(kept.difference == doctest::Approx((3.0 + 1 + 0) / 3));
  CHECK(kept.difference_interval.low >= 0);
  CHECK(kept.difference_interval.high <= 3);
  // Of 12 pairs: 13 beats 10; 21 beats 10 and 20; 30 likewise; 40 beats two and equals one: 7.5.
  CHECK(kept.improvement == doctest::Approx(7.5 / 12));
  CHECK(kept.improvement_interval.low < 7.5 / 12);
  CHECK(kept.improvement_interval.high > 7.5 / 12);
  const ScoreComparison& training = comparisons[1]->scores.back();
  CHECK(training.pairs == 2);  // seeds 0 and 1
  CHECK(training.difference == 1);
}

TEST_CASE("the baseline is the variant that was named; of another environment it is its first variant") {
  ComparedSweep sweep;
  const std::string second = sweep.plan.variants[1].label;
  sweep.plan.baseline = variant_with_label(sweep.plan, second);
  CHECK(sweep.plan.baseline == 1);
  const auto comparisons = compare_variants(sweep.plan, sweep.runs);
  CHECK(!comparisons[1]);
  REQUIRE(comparisons[0]);
  CHECK(comparisons[0]->scores.front().difference == doctest::Approx(-4.0 / 3));
  for (const char* const spelling : {"gamma=0.990", "gamma=99e-2", "gamma = 0.99", "gamma=0.99 "})
    CHECK_MESSAGE(variant_with_label(sweep.plan, spelling) == 1, spelling);
  for (const char* const other : {"gamma", "0.99", "tau=0.99"})
    CHECK_THROWS_WITH_AS(variant_with_label(sweep.plan, other), doctest::Contains("the sweep has"), Error);
  CHECK_THROWS_WITH_AS(variant_with_label(sweep.plan, "gamma=2"), doctest::Contains("--baseline gamma"),
                       Error);
  CHECK_THROWS_WITH_AS(variant_with_label(sweep.plan, "gamma=1"),
                       doctest::Contains("\"gamma=1\": the sweep has \"gamma=0.9\", \"gamma=0.99\""), Error);

  sweep.plan.baseline = 0;
  SweepVariant other = sweep.plan.variants[1];
  other.resolved.config.env.id = "FourRooms-v0";
  sweep.plan.variants.push_back(other);
  sweep.plan.variants.push_back(other);
  CHECK(!baseline_of(sweep.plan, 0));
  CHECK(baseline_of(sweep.plan, 1) == 0);
  CHECK(!baseline_of(sweep.plan, 2));
  CHECK(baseline_of(sweep.plan, 3) == 2);
}

TEST_CASE("performance profiles of an environment's variants have the same thresholds") {
  const ComparedSweep sweep;
  const auto profiles = performance_profiles(sweep.plan, sweep.runs);
  REQUIRE(profiles.size() == 2);
  REQUIRE(profiles[0].size() == profiles[1].size());
  for (std::size_t k = 0; k < profiles[0].size(); ++k) {
    CHECK(profiles[0][k].tau == profiles[1][k].tau);
    std::size_t above = 0;
    for (const double score : {13.0, 21.0, 30.0, 40.0}) above += score > profiles[1][k].tau;
    CHECK(profiles[1][k].share == static_cast<double>(above) / 4);
  }
  CHECK(profiles[0].front().share == 1);  // of the three that finished
  CHECK(profiles[0].back().share == 0);
}

TEST_CASE("sweep.csv has the new scores behind its older columns, as many cells in every row") {
  const ComparedSweep sweep;
  std::istringstream lines(runs_csv(sweep.plan, sweep.runs));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  REQUIRE(rows.size() == 9);
  CHECK(rows[0].ends_with(",error,command,last_eval_mean,area_under_curve,training_mean"));
  CHECK(rows[1].ends_with(",8,5,5"));
  CHECK(rows[3].ends_with(",,,"));
  CHECK(rows[8].ends_with(",,12,"));
  for (const std::string& row : rows)
    CHECK(std::count(row.begin(), row.end(), ',') == std::count(rows[0].begin(), rows[0].end(), ','));
}

TEST_CASE("sweep.json has each run's scores, and each variant's comparison and profile") {
  const ComparedSweep sweep;
  const nlohmann::json json = parse_json(sweep_json(sweep.plan, sweep.runs, 1));
  CHECK(json["variants"][0]["comparison"].is_null());
  const nlohmann::json& second = json["variants"][1];
  CHECK(second["comparison"]["baseline"] == nlohmann::json{{"gamma", 0.9}});
  CHECK(second["comparison"]["eval_mean"]["pairs"] == 3);
  CHECK(second["comparison"]["eval_mean"]["probability_of_improvement"] == doctest::Approx(7.5 / 12));
  CHECK(second["comparison"]["training_mean"]["difference"] == 1);
  CHECK(second["runs"][0]["last_eval_mean"] == 9);
  CHECK(second["runs"][0]["training_episodes"] == 100);
  CHECK(second["runs"][3]["training_mean"].is_null());
  CHECK(second["runs"][3]["training_episodes"].is_null());
  CHECK(second["performance_profile"].front()["share"] == 1);
}

TEST_CASE("a sweep's page shows comparisons, scores and profiles, and says what earlier versions lack") {
  const ComparedSweep sweep;
  const std::string page = sweep_page(sweep.plan, sweep.runs, 1);
  for (const char* const part : {"<h2>Each setting beside gamma=0.9</h2>", "0.62 (", "+1.333 (",
                                 "<h2>Scores of the runs</h2>", "23.33 ± 15.28", "Performance profiles",
                                 "Share of runs above a return", "1 run was trained by an earlier"})
    CHECK_MESSAGE(page.find(part) != std::string::npos, part);
  CHECK(unrecorded_note(sweep.runs).find("1 run was trained by an earlier version") != std::string::npos);
  std::vector<SweepRun> recorded = sweep.runs;
  recorded.pop_back();
  CHECK(unrecorded_note(recorded).empty());
  const std::string none = sweep_page(sweep.plan, std::vector<SweepRun>(8), 1);
  for (const char* const part : {"Each setting beside", "Scores of the runs", "Performance profiles"})
    CHECK(none.find(part) == std::string::npos);
}

TEST_CASE("the table of comparisons cuts its labels to fit") {
  const ComparedSweep sweep;
  const std::string whole = comparison_text(sweep.plan, sweep.runs, 1000);
  CHECK(whole.find("gamma=0.99") != std::string::npos);
  CHECK(whole.find("+1.333") != std::string::npos);
  const std::string narrow = comparison_text(sweep.plan, sweep.runs, 65);
  CHECK(characters(narrow.substr(0, narrow.find('\n'))) <= characters(whole.substr(0, whole.find('\n'))));
  CHECK(comparison_text(sweep.plan, std::vector<SweepRun>(8), 80).empty());
  // Where whole labels do not fit, the values do, and rows stay apart.
  const std::string brief =
      comparison_text(sweep.plan, sweep.runs, characters(whole.substr(0, whole.find('\n'))) - 1);
  CHECK(brief.find("beside 0.9 ") == 0);
  CHECK(brief.find("\n0.99 ") != std::string::npos);
}

TEST_CASE("on a terminal of any width from forty columns no line of the comparison is wider") {
  const ComparedSweep sweep;
  for (std::size_t width = 40; width <= 120; ++width) {
    CAPTURE(width);
    std::istringstream lines(comparison_text(sweep.plan, sweep.runs, width));
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(characters(line) <= width, line);
  }
  const std::string narrow = comparison_text(sweep.plan, sweep.runs, 40);
  for (const char* const part : {"beside 0.9\n", "\n0.99\n", "  pairs          3\n",
                                 "  difference     +1.333\n", "  P(better)      0.62\n"})
    CHECK_MESSAGE(narrow.find(part) != std::string::npos, part);
}

TEST_CASE("the page's table of differences has a row of each setting and score") {
  const ComparedSweep sweep;
  const std::string page = sweep_page(sweep.plan, sweep.runs, 1);
  const std::size_t begin = page.find("<h2>Each setting beside"), end = page.find("</table>", begin);
  REQUIRE(end != std::string::npos);
  const std::string table = page.substr(begin, end - begin);
  const auto count = [&](const std::string& text) {
    std::size_t times = 0;
    for (std::size_t at = table.find(text); at != std::string::npos; at = table.find(text, at + 1)) ++times;
    return times;
  };
  const auto comparisons = compare_variants(sweep.plan, sweep.runs);
  const auto compared = static_cast<std::size_t>(
      std::ranges::count_if(comparisons, [](const auto& c) { return c.has_value(); }));
  CHECK(count("<tr>") == 1 + compared * sweep_scores().size());
  for (const SweepScore& score : sweep_scores()) CHECK(count(score.name) == compared);
  CHECK(page.find("It is low for a run that stopped when it had solved its task") != std::string::npos);
  CHECK(page.find("evaluation at the last step of training") != std::string::npos);
}

TEST_CASE("of a single pair there is a difference and no interval") {
  ComparedSweep sweep;
  for (std::size_t run = 0; run < sweep.runs.size(); ++run)
    if (sweep.plan.seed_of(run) != sweep.plan.seeds.front()) sweep.runs[run].state = RunState::kWaiting;
  const auto comparisons = compare_variants(sweep.plan, sweep.runs);
  const auto found =
      std::find_if(comparisons.begin(), comparisons.end(), [](const auto& c) { return c.has_value(); });
  REQUIRE(found != comparisons.end());
  const ScoreComparison& kept = (*found)->scores.front();
  REQUIRE(kept.pairs == 1);
  CHECK(std::isfinite(kept.difference));
  CHECK(std::isnan(kept.difference_interval.low));
  CHECK(std::isnan(kept.improvement_interval.high));
}

}  // namespace
}  // namespace bellman::test
