// `bellman course`: the experiments of the course in docs/course.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/course/course.h"
#include "apps/page/page.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

struct CourseOptions {
  std::string chapter, output, picture;
  std::vector<std::string> settings;
  bool json = false;
};

int list_chapters() {
  for (const Chapter& chapter : course_chapters()) {
    std::string settings;
    for (const CourseSetting& setting : chapter.settings)
      settings +=
          (settings.empty() ? "" : ", ") + std::string(setting.name) + "=" + number_text(setting.value);
    std::cout << wrapped(
                     formatted("%2d  ", chapter.number) + std::string(chapter.title) + " (" + settings + ")",
                     line_width(STDOUT_FILENO))
              << "\n";
  }
  return kExitSuccess;
}

int course(const CourseOptions& options) {
  if (options.chapter.empty()) {
    if (!options.settings.empty() || options.json || !options.output.empty() || !options.picture.empty())
      fail("give a chapter's number; `bellman course` alone lists them");
    return list_chapters();
  }
  const Chapter& chapter = find_chapter(options.chapter);
  CourseSettings settings(chapter.settings);
  for (const std::string& assignment : options.settings) settings.change(assignment);
  if (!options.output.empty()) check_page_file(options.output);
  if (!options.picture.empty()) check_picture_file(options.picture);
  InterruptGuard interrupt;
  const Experiment experiment = chapter.run(settings, interrupt.flag());
  if (interrupt.flag()) return kExitInterrupted;
  if (!options.output.empty()) write_page(options.output, course_page(chapter, settings, experiment));
  if (!options.picture.empty()) write_picture(options.picture, picture_file(experiment.figures));
  std::cout << (options.json ? findings_json(experiment)
                             : findings_text(experiment, line_width(STDOUT_FILENO)));
  return kExitSuccess;
}

}  // namespace

RunCommand declare_course(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "course", "Run an experiment of the course",
      "Without a chapter it lists them, with their settings. The chapters themselves are in docs/course.");
  const auto options = std::make_shared<CourseOptions>();
  declare_text(command, "CHAPTER", options->chapter, "", "the chapter's number");
  declare_list(command, "--set", options->settings, "NAME=VALUE", "change a setting of the experiment");
  declare_text(command, "-o,--output", options->output, "FILE", "write the page, one HTML file");
  declare_text(command, "--picture", options->picture, "FILE", "write the page's first drawing, an SVG file");
  declare_flag(command, "--json", options->json, "print what was found as JSON");
  return [options] { return course(*options); };
}

}  // namespace bellman
