#include <algorithm>
#include <cmath>
#include <map>

#include "apps/base/numbers.h"
#include "apps/lab/lab_experiment.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "core/base/text.h"

namespace bellman {
namespace {

/// The mean over the seeds at each timestep, and their range as a band.
template <class Value>
Series curve(const std::string& name, const std::vector<LabRun>& runs, Value value) {
  std::map<Index, std::vector<double>> at;
  for (const LabRun& run : runs)
    for (const LabRun::Row& row : run.rows)
      if (std::isfinite(value(row))) at[row.timestep].push_back(value(row));
  Series series = {name, {}};
  for (const auto& [timestep, values] : at) {
    double sum = 0;
    for (const double x : values) sum += x;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    series.points.push_back(
        {static_cast<double>(timestep), sum / static_cast<double>(values.size()), *low, *high});
  }
  return series;
}

template <class Value>
Markup chart(const LabExperiment& experiment, const char* title, const char* how, const char* y, Value value,
             Scale scale = Scale::kLinear) {
  return line_chart(
      {title, how, "environment steps", y},
      {curve("sound", experiment.sound, value), curve("with the bug", experiment.faulty, value)},
      Scale::kLinear, scale);
}

/// The probability that the ranges of n and n equal draws do not overlap: 2 / C(2n, n), for two of all ways to divide 2n.
double chance_apart(std::size_t n) {
  double ways = 1;
  for (std::size_t i = 1; i <= n; ++i) ways *= static_cast<double>(n + i) / static_cast<double>(i);
  return std::min(1.0, 2 / ways);
}

}  // namespace

std::string lab_page(const LabBug& bug, const LabExperiment& experiment) {
  std::vector<std::vector<std::string>> rows = {
      {"instrument", "compares", "sound", "with the bug", "notices"}};
  for (const Instrument& instrument : experiment.instruments)
    rows.push_back({instrument.name, instrument.reads, instrument.sound, instrument.faulty,
                    instrument.notices ? "yes" : "no"});
  Markup text = element("p", as_text(std::string(bug.what))) + "\n" +
                element("p", as_text(std::string(bug.lesson))) + "\n";
  text +=
      section("instruments", "Which instrument notices it",
              element("div", {{"class", "text"}}, text_table(rows)) +
                  element("p", as_text("In the test suite the case \"" + std::string(bug.test_case) +
                                       "\" of " + std::string(bug.test_program) +
                                       " fails for it. A comparison of runs notices when the ranges over "
                                       "the seeds do not overlap. By chance that happens to equal programs, "
                                       "too: in " +
                                       formatted("%.2g", 100 * chance_apart(experiment.sound.size())) +
                                       " % of comparisons with that many seeds.")));
  text += section(
      "curves",
      "Trained side by side, " + counted(experiment.sound.size(), "seed") + " each on " +
          experiment.config.env.id,
      chart(experiment, "Return",
            "Mean over the seeds of the evaluations, with their range. A bug that costs nothing here may "
            "still be one.",
            "return of an evaluation", [](const LabRun::Row& row) { return row.eval_return; }) +
          chart(experiment, "Mean Q-value",
                "What the network promises. Above the best possible return it promises too much.", "mean Q",
                [](const LabRun::Row& row) { return row.mean_q; }) +
          chart(
              experiment, "Loss",
              "On a logarithmic axis. A low loss is no proof: a wrong target can be learnt perfectly.",
              "loss", [](const LabRun::Row& row) { return row.loss; }, Scale::kLog10));
  return page("Bug lab: " + std::string(bug.name), text);
}

}  // namespace bellman
