// `bellman report`: what became of a run, as a page.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "apps/base/process.h"
#include "apps/commands/command.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

struct ReportOptions {
  std::vector<std::string> directories;
  std::string output = "report.html";
};

int report(const ReportOptions& options) {
  result_is_a_file();
  check_page_file(options.output);
  std::vector<RunData> runs;
  for (const std::string& directory : options.directories) {
    runs.push_back(read_run(directory, "bellman report", std::cerr));
    if (runs.back().config.env.id != runs.front().config.env.id)
      fail(directory, ": a run on ", runs.back().config.env.id, "; ", options.directories.front(),
           " is one on ", runs.front().config.env.id);
  }
  write_page(options.output, report_page(runs));
  announce_file(options.output);
  return kExitSuccess;
}

}  // namespace

void result_is_a_file() { outlive_readers(/*prints_result=*/false); }

void announce_file(const std::string& file) {
  ControlFilter filter;
  std::string name;
  for (const char c : file) name += filter.next(c);
  std::cout << "Wrote " << name << (file.ends_with(".gif") ? "" : ": open it in a browser") << ".\n";
}

RunCommand declare_report(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "report", "Draw what became of a run, or of several runs of the same settings, as a page");
  const auto options = std::make_shared<ReportOptions>();
  declare_list(command, "DIR", options->directories, "", "the runs' directories");
  declare_text(command, "-o,--output", options->output, "FILE", "where the page goes");
  return [options] {
    if (options->directories.empty()) fail("give at least one run's directory");
    return report(*options);
  };
}

}  // namespace bellman
