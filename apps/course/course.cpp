#include "apps/course/course.h"

#include <array>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/page/page.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

std::string numbers_text(const Finding& finding) {
  if (!finding.word.empty()) return finding.word;
  std::string text;
  for (const double number : finding.numbers)
    text += (text.empty() ? "" : " ") + formatted("%.4g", shown(number));
  return text;
}

/// Whole numbers without ".0".
nlohmann::ordered_json json_value(double number) {
  constexpr double kWhole = 1e15;
  if (std::abs(number) < kWhole && number == std::floor(number)) return static_cast<std::int64_t>(number);
  return number_or_null(number);
}

}  // namespace

const CourseSetting& CourseSettings::find(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const CourseSetting& setting : settings_) {
    if (setting.name == name) return setting;
    known.push_back(setting.name);
  }
  fail("no setting ", printable(name), suggestion(name, known));
}

void CourseSettings::change(std::string_view assignment) {
  const std::size_t sign = assignment.find('=');
  if (sign == std::string_view::npos)
    fail("--set takes name=value, such as gamma=0.9; this is ", printable(assignment));
  const CourseSetting& setting = find(assignment.substr(0, sign));
  const std::string_view text = assignment.substr(sign + 1);
  changed_[std::string(setting.name)] =
      setting.whole ? static_cast<double>(parse_integer(setting.name, text, static_cast<Index>(setting.low),
                                                        static_cast<Index>(setting.high)))
                    : parse_real(setting.name, text, setting.low, setting.high);
}

double CourseSettings::operator[](std::string_view name) const {
  const auto changed = changed_.find(name);
  return changed != changed_.end() ? changed->second : find(name).value;
}

void Experiment::add(std::string name, double number, std::string meaning) {
  findings.push_back({std::move(name), {number}, "", std::move(meaning)});
}
void Experiment::add(std::string name, std::vector<double> numbers, std::string meaning) {
  findings.push_back({std::move(name), std::move(numbers), "", std::move(meaning)});
}
void Experiment::add(std::string name, std::string word, std::string meaning) {
  findings.push_back({std::move(name), {}, std::move(word), std::move(meaning)});
}

std::span<const Chapter> course_chapters() {
  static const std::array chapters = {
      mdp_chapter(),              // 1
      value_iteration_chapter(),  // 2
      q_learning_chapter(),       // 3
      network_chapter(),          // 4
      backprop_chapter(),         // 5
      td_loss_chapter(),          // 6
      terminal_chapter(),         // 7
      replay_chapter(),           // 8
      target_chapter(),           // 9
      double_chapter(),           // 10
      improvements_chapter(),     // 11
      evidence_chapter(),         // 12
  };
  return chapters;
}

const Chapter& find_chapter(std::string_view number) {
  const auto chapters = course_chapters();
  const Index wanted = parse_integer("the chapter", number, 1, chapters.back().number);
  for (const Chapter& chapter : chapters)
    if (chapter.number == wanted) return chapter;
  fail("there is no chapter ", wanted);
}

std::string findings_text(const Experiment& experiment, std::size_t width) {
  std::size_t names = 0;
  for (const Finding& finding : experiment.findings) names = std::max(names, characters(finding.name));
  std::string text;
  for (const Finding& finding : experiment.findings)
    text += wrapped(finding.name + std::string(names - characters(finding.name) + 2, ' ') +
                        numbers_text(finding) + "  (" + finding.meaning + ")",
                    width) +
            "\n";
  return text;
}

std::string findings_json(const Experiment& experiment) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Finding& finding : experiment.findings) {
    nlohmann::ordered_json& value = json[finding.name];
    if (!finding.word.empty())
      value = finding.word;
    else if (finding.numbers.size() == 1)
      value = json_value(finding.numbers[0]);
    else
      for (const double number : finding.numbers) value.push_back(json_value(number));
  }
  return json_line(json);
}

std::string course_page(const Chapter& chapter, const CourseSettings& settings,
                        const Experiment& experiment) {
  std::vector<std::vector<std::string>> found = {{"finding", "value", "meaning"}};
  for (const Finding& finding : experiment.findings)
    found.push_back({finding.name, numbers_text(finding), finding.meaning});
  std::vector<std::vector<std::string>> values = {{"setting", "value", "range", "meaning"}};
  for (const CourseSetting& setting : settings.all())
    values.push_back({std::string(setting.name), number_text(settings[setting.name]),
                      number_text(setting.low) + " to " + number_text(setting.high),
                      std::string(setting.meaning)});
  const Markup content =
      section("prediction", "Before you look", element("p", as_text(chapter.prediction))) +
      section("figures", "What happened", experiment.figures) +
      section("findings", "The numbers", element("div", {{"class", "text"}}, text_table(found))) +
      section("settings", "Change it and run it again",
              element("div", {{"class", "text"}}, text_table(values)) +
                  element("p", Markup("Each is changed by ") + element("code", Markup("--set name=value")) +
                                   Markup(". The same settings give the same numbers.")));
  return page(formatted("Chapter %d: ", chapter.number) + std::string(chapter.title), content);
}

}  // namespace bellman
