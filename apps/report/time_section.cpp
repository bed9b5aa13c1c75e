// Where a run's time went: the seconds of diagnostics.csv.
#include <cmath>
#include <numeric>

#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "core/base/text.h"
#include "rl/learn/phase_clock.h"

namespace bellman {
namespace {

double sum_of(const RunData& run, std::string_view phase) {
  const auto column = run.diagnostics.find(std::string("seconds/").append(phase));
  double sum = 0;
  if (column != run.diagnostics.end())
    for (const double seconds : column->second) sum += std::isfinite(seconds) && seconds > 0 ? seconds : 0;
  return sum;
}

/// What a reader can do about the part that is too long.
std::string advice_on(const std::string& largest) {
  if (largest == "evaluation") return " Fewer eval_episodes or a larger eval_frequency would shorten it.";
  if (largest == "checkpoints")
    return " A larger checkpoint_frequency or checkpoint_seconds would shorten it.";
  if (largest == "learning")
    return " A larger train_frequency, a smaller batch_size or network would shorten it, and --threads.";
  return "";
}

}  // namespace

Markup time_section(const RunData& run) {
  std::vector<Share> parts;
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i)
    parts.push_back(
        {std::string(kPhaseNames[i]), sum_of(run, kPhaseNames[i]), std::string(kPhaseMeanings[i])});
  const auto largest = std::ranges::max_element(parts, {}, &Share::amount);
  const bool on_host = run.config.device == "cpu" || run.config.device == "reference";
  const Markup bar = share_bar(
      {"The run's time by phase",
       "Each part of the bar is as long as its share of the time until the last row; the final evaluation "
       "comes "
       "after it. One round in sixteen is timed part by part, and the others are taken to be like it." +
           std::string(
               on_host ? ""
                       : " The device works beside the host, so learning holds only what starts its steps. "
                         "Their time stands where the host waits for them: in acting, which reads the "
                         "actions, and in other, where the progress bar reads the loss.") +
           " The longest part here is " + largest->name + "." + advice_on(largest->name),
       "phase", "seconds"},
      parts);
  return bar.empty() ? bar : section("time", "Where the time went", bar);
}

}  // namespace bellman
