// What a sweep shows to people: the table at every width, the picture at every height, the page.
#include "apps/sweep/sweep_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/terminal.h"
#include "apps/page/chart.h"
#include "apps/sweep/sweep_progress.h"

namespace bellman::test {
namespace {

using Lines = std::vector<std::string>;

/// Settings that differ in gamma, each with some seeds; all runs finished.
struct Sweep {
  SweepPlan plan;
  std::vector<SweepRun> runs;
};

Sweep sweep_of(std::size_t variants, std::size_t seeds, std::vector<EvaluationPoint> curve) {
  Sweep sweep;
  sweep.plan.grid = {&grid_setting("gamma"), &grid_setting("network")};
  for (std::size_t v = 0; v < variants; ++v) {
    ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
    resolved.config.gamma = 0.5 + 0.001 * static_cast<double>(v);
    resolved.origins.assign(settings().size(), "test");
    sweep.plan.variants.push_back(sweep_variant(sweep.plan.grid, resolved));
  }
  for (std::size_t s = 0; s < seeds; ++s) sweep.plan.seeds.push_back(s);
  SweepRun run;
  run.state = RunState::kFinished;
  run.result.eval.mean = 123.4;
  run.result.solved_at_timestep = 400;
  run.curve = std::move(curve);
  sweep.runs.assign(sweep.plan.runs(), run);
  return sweep;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("a sweep's table fits every width, and keeps what is needed most") {
  const Sweep sweep = sweep_of(3, 20, {});
  const std::vector<VariantSummary> summaries = summarise(sweep.plan, sweep.runs);
  const Lines whole = sweep_table(sweep.plan, summaries);
  CHECK(whole.front().find("seconds") != std::string::npos);
  CHECK(whole.back().find("gamma=0.502, network=") != std::string::npos);
  CHECK(whole.back().find("83 to 100") != std::string::npos);  // Clopper-Pearson of 20 of 20
  for (std::size_t width = 0; width < 150; ++width) {
    CAPTURE(width);
    const Lines table = sweep_table(sweep.plan, summaries, width);
    REQUIRE(table.size() == 4);
    for (const std::string& row : table) CHECK(characters(row) <= width);
    if (width >= 15) CHECK(table.back().find("123.4") != std::string::npos);
    if (width >= 39) CHECK(table.back().find("100 %") != std::string::npos);
    if (width >= 39) CHECK(table.back().find("0.502") != std::string::npos);
  }
}

TEST_CASE("large returns stand in digits in a sweep's table and on its page") {
  Sweep sweep = sweep_of(1, 10, {{100, -10'000}, {200, -123'456}});
  for (SweepRun& run : sweep.runs) run.result.eval.mean = -10'000;
  CHECK(sweep_table(sweep.plan, summarise(sweep.plan, sweep.runs)).back().find(" -10000 to -10000 ") !=
        std::string::npos);
  const std::string page = sweep_page(sweep.plan, sweep.runs, 1);
  CHECK(page.find("<td>-10000 to -10000</td>") != std::string::npos);
  CHECK(page.find(">-100000</text>") != std::string::npos);
  CHECK(page.find("e+0") == std::string::npos);
}

TEST_CASE("a picture of a table fits every height, and shows the settings that train") {
  const Sweep sweep = sweep_of(30, 2, {});
  const Lines table = sweep_table(sweep.plan, summarise(sweep.plan, sweep.runs), 60);
  for (std::size_t rows = 1; rows < 40; ++rows)
    for (const std::size_t first : {0, 7, 29}) {
      CAPTURE(rows);
      CAPTURE(first);
      const Lines lines = picture_lines(table, first, "last", rows);
      CHECK(lines.size() <= rows);
      CHECK(lines.back() == "last");
      if (rows >= 4) CHECK(lines.front() == table.front());
      if (rows >= 4) CHECK(std::find(lines.begin(), lines.end(), table[first + 1]) != lines.end());
      if (rows < 32 && rows >= 4) CHECK(lines[lines.size() - 2].ends_with(" of 30"));
    }
  CHECK(picture_lines(table, 0, "last", 32).size() == 32);
}

// ---- the page

std::string page_of(const Sweep& sweep) { return sweep_page(sweep.plan, sweep.runs, 1); }
/// The page as far as its first section: the learning curves and their table.
std::string curves_of(const Sweep& sweep) {
  const std::string page = page_of(sweep);
  return page.substr(0, page.find("<section"));
}

using Color = std::array<double, 3>;  // linear light, 0..1

/// The n-th value that the page gives a CSS variable; the light scheme's is first, then the dark one's.
Color variable(const std::string& page, const std::string& name, int n) {
  std::size_t at = page.find(name + ": #");
  for (int i = 0; i < n && at != std::string::npos; ++i) at = page.find(name + ": #", at + 1);
  REQUIRE_MESSAGE(at != std::string::npos, name);
  Color color{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string digits = page.substr(at + name.size() + 3 + 2 * i, 2);
    const double c = static_cast<double>(std::strtol(digits.c_str(), nullptr, 16)) / 255;
    color[i] = c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  }
  return color;
}

/// WCAG 2.1: relative luminance, and the contrast ratio of two colours.
double luminance(const Color& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; }
double contrast(const Color& a, const Color& b) {
  const double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
  return std::max(x, y) / std::min(x, y);
}

/// Distance in CIE L*a*b* (D65).
double difference(const Color& a, const Color& b) {
  const auto lab = [](const Color& c) {
    const auto f = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
    const double x = f((0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.95047), y = f(luminance(c)),
                 z = f((0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.08883);
    return Color{116 * y - 16, 500 * (x - y), 200 * (y - z)};
  };
  const Color p = lab(a), q = lab(b);
  return std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/// As those see it who lack one kind of cone (Machado et al. 2009, severity 1).
Color as_seen(const Color& c, const std::array<Color, 3>& by) {
  Color seen{};
  for (std::size_t i = 0; i < 3; ++i)
    seen[i] = std::clamp(by[i][0] * c[0] + by[i][1] * c[1] + by[i][2] * c[2], 0.0, 1.0);
  return seen;
}
constexpr std::array<Color, 3> kDeuteranope = {
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}};
constexpr std::array<Color, 3> kProtanope = {
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}};

TEST_CASE("text on a sweep's page has a contrast of 4.5 and more, lines of 3, in both colour schemes") {
  const std::string page = page_of(sweep_of(2, 2, {{100, 1}, {200, 2}}));
  for (const int scheme : {0, 1}) {
    CAPTURE(scheme);
    const Color paper = variable(page, "--paper", scheme);
    for (const char* const text : {"--ink", "--faint"})
      CHECK(contrast(variable(page, text, scheme), paper) >= 4.5);
    for (int series = 0; series < 10; ++series)
      CHECK(contrast(variable(page, "--color", 10 * scheme + series), paper) >= 3);
  }
}

TEST_CASE("ten settings have ten distinguishable colours, also without red or green cones") {
  const std::string page = page_of(sweep_of(11, 2, {{100, 1}, {200, 2}}));
  for (const int scheme : {0, 1})
    for (int i = 0; i < 10; ++i)
      for (int j = 0; j < i; ++j) {
        CAPTURE(i);
        CAPTURE(j);
        const Color a = variable(page, "--color", 10 * scheme + i),
                    b = variable(page, "--color", 10 * scheme + j);
        CHECK(difference(a, b) > 35);
        for (const auto& sight : {kDeuteranope, kProtanope})
          CHECK(difference(as_seen(a, sight), as_seen(b, sight)) > 20);
      }
  std::set<std::string> keys;
  for (std::size_t v = 0; v < 40; ++v) keys.insert(series_key(v).text());
  CHECK(keys.size() == 40);
  // The learning curves and the performance profiles, each in the wide chart and in the narrow one.
  CHECK(count_of(page, "class=\"curve s9\"") == 4);
  CHECK(count_of(page, "class=\"curve s0\" stroke-dasharray=") == 4);
}

TEST_CASE("a setting that was evaluated once is a point with its spread, not a line without length") {
  const std::string once = curves_of(sweep_of(2, 3, {{100, 7}}));
  CHECK(count_of(once, "<circle class=\"point s0\"") == 2);
  CHECK(count_of(once, "<circle class=\"point s1\"") == 2);
  CHECK(count_of(once, "<polyline") == 0);
  const std::string twice = curves_of(sweep_of(1, 3, {{100, 7}, {200, 8}}));
  CHECK(count_of(twice, "<circle") == 0);
  CHECK(count_of(twice, "<polyline") == 2);
}

TEST_CASE("a narrow window has a chart of its own, in whose units a text is as large as its pixels") {
  const std::string page = page_of(sweep_of(1, 3, {{0, 7}, {1'000'000, 8}}));
  CHECK(page.find("svg class=\"chart narrow\" viewBox=\"0 0 400 ") != std::string::npos);
  CHECK(page.find("svg.chart text { fill: var(--ink); font-size: 14px; }") != std::string::npos);
  CHECK(
      page.find("@media (max-width: 720px) { figure svg.wide { display: none; } figure svg.narrow { display: "
                "block;") != std::string::npos);
}

TEST_CASE("a page names the runs that failed and why, and says that few seeds say little") {
  Sweep sweep = sweep_of(2, 9, {{100, 1}, {200, 2}});
  sweep.runs[11].state = RunState::kFailed;
  sweep.runs[11].error = "the loss <is> nan";
  const std::string page = page_of(sweep);
  CHECK(page.find("gamma=0.501, network=dense 120, relu, dense 84, relu, seed 2: the loss &lt;is&gt; nan<") !=
        std::string::npos);
  CHECK(page.find("9 seeds a setting are few") != std::string::npos);
  CHECK(page.find("1 run failed, and counts as not solved.") != std::string::npos);
  sweep.runs[12].state = RunState::kFailed;
  CHECK(failed_runs_note(sweep.runs).starts_with("2 runs failed, and count as not solved."));
  CHECK(few_seeds_warning(sweep_of(1, 1, {}).plan).find("1 seed a setting is few") != std::string::npos);
  CHECK(few_seeds_warning(sweep_of(1, 10, {}).plan).empty());
  const std::string enough = page_of(sweep_of(2, 10, {{100, 1}}));
  CHECK(enough.find("are few") == std::string::npos);
  CHECK(enough.find("Failed runs") == std::string::npos);
  CHECK(enough.find("failed") == std::string::npos);
}

}  // namespace
}  // namespace bellman::test
