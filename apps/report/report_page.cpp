#include "apps/report/report_page.h"

#include <exception>

#include "apps/base/numbers.h"
#include "apps/page/page.h"
#include "apps/settings/settings.h"
#include "core/io/files.h"

namespace bellman {
namespace {

Markup settings_section(const RunData& run) {
  std::vector<std::vector<std::string>> rows = {{"setting", "value"}};
  for (const Setting& setting : settings())
    rows.push_back({file_key(setting), value_text(run.config, setting)});
  return folded("All settings", element("div", {{"class", "text"}}, text_table(rows)));
}

Markup names_of(const std::vector<RunData>& runs) {
  std::vector<std::vector<std::string>> rows = {{"run", "seed"}};
  if (has_fork(runs)) {
    rows = {{"run", "forked from", "at step", "settings unlike the first run's"}};
    for (const RunData& run : runs) {
      const PastSettings* const fork = fork_of(run);
      rows.push_back({run.name, fork ? fork->forked : "", fork ? with_separators(fork->until) : "",
                      differing_settings(run, runs.front())});
    }
    return section("runs", "The branches", element("div", {{"class", "text"}}, text_table(rows)));
  }
  for (const RunData& run : runs) rows.push_back({run.name, std::to_string(run.config.seed)});
  return runs.size() > 1 ? folded("The runs", text_table(rows)) : Markup();
}

}  // namespace

std::string report_page(const std::vector<RunData>& runs) {
  const RunData& first = runs.front();
  const std::string title = runs.size() == 1
                                ? first.config.env.id + ": " + first.name
                                : first.config.env.id + ": " + std::to_string(runs.size()) + " runs";
  return page(title, names_of(runs) + verdicts_section(runs) + curves_section(runs) + network_section(first) +
                         policy_section(first) + episode_section(first) + replay_section(first) +
                         time_section(first) + settings_section(first));
}

bool leave_report(const std::filesystem::path& directory, const std::string& label, std::ostream& notes) {
  try {
    write_file_atomically(directory / "report.html", report_page({read_run(directory, label, notes)}));
    return true;
  } catch (const std::exception& error) {
    notes << label << ": note: the run has no new report.html: " << error.what() << "\n";
    return false;
  }
}

}  // namespace bellman
