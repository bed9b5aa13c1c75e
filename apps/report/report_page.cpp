#include "apps/report/report_page.h"

#include "apps/page/page.h"
#include "apps/settings/settings.h"

namespace bellman {
namespace {

Markup settings_section(const RunData& run) {
  std::vector<std::vector<std::string>> rows = {{"setting", "value"}};
  for (const Setting& setting : settings())
    rows.push_back({file_key(setting), value_text(run.config, setting)});
  return folded("All settings", element("div", {{"class", "text"}}, text_table(rows)));
}

}  // namespace

std::string report_page(const std::vector<RunData>& runs) {
  const RunData& first = runs.front();
  const std::string title = runs.size() == 1
                                ? first.config.env.id + ": " + first.name
                                : first.config.env.id + ": " + std::to_string(runs.size()) + " runs";
  Markup names;
  if (runs.size() > 1) {
    std::vector<std::vector<std::string>> rows = {{"run", "seed"}};
    for (const RunData& run : runs) rows.push_back({run.name, std::to_string(run.config.seed)});
    names = folded("The runs", text_table(rows));
  }
  return page(title, names + verdicts_section(runs) + curves_section(runs) + network_section(first) +
                         policy_section(first) + episode_section(first) + replay_section(first) +
                         time_section(first) + settings_section(first));
}

}  // namespace bellman
