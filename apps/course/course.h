// The experiments of the course in docs/course, one a chapter. Each computes what its chapter claims, in seconds and from
// nothing but its settings, as findings that a reader or a test can check and as figures for a page.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/page/markup.h"
#include "core/base/tensor.h"

namespace bellman {

/// A number that a reader may change.
struct CourseSetting {
  std::string_view name;
  double value, low, high;  // the default, and the range
  std::string_view meaning;
  bool whole = false;  // takes whole numbers alone
};

/// The settings of one experiment: the defaults, and what the reader changed.
class CourseSettings {
 public:
  explicit CourseSettings(std::span<const CourseSetting> settings) : settings_(settings) {}

  /// Reads "name=value". Throws: Error that names setting, value and range, with the nearest name.
  void change(std::string_view assignment);
  /// REQUIRES: a setting of this experiment, as in all three.
  double operator[](std::string_view name) const;
  Index count(std::string_view name) const { return static_cast<Index>((*this)[name]); }
  std::uint64_t seed() const { return static_cast<std::uint64_t>((*this)["seed"]); }

  std::span<const CourseSetting> all() const { return settings_; }

 private:
  const CourseSetting& find(std::string_view name) const;

  std::span<const CourseSetting> settings_;
  std::map<std::string, double, std::less<>> changed_;
};

/// What an experiment found: numbers, or a word.
struct Finding {
  std::string name;
  std::vector<double> numbers;
  std::string word;  // instead of numbers
  std::string meaning;
};

struct Experiment {
  std::vector<Finding> findings;
  Markup figures;  // the first drawing in it is the chapter's picture

  void add(std::string name, double number, std::string meaning);
  void add(std::string name, std::vector<double> numbers, std::string meaning);
  void add(std::string name, std::string word, std::string meaning);
};

/// One experiment of the course.
struct Chapter {
  int number;
  std::string_view title;
  std::string_view prediction;  // the question that comes before the run
  std::span<const CourseSetting> settings;
  /// Ends early, with what it has, when `stop` becomes true. Throws: Error for settings that contradict each other.
  Experiment (*run)(const CourseSettings& settings, const std::atomic<bool>& stop);
};

/// All chapters, by number from 1.
std::span<const Chapter> course_chapters();

/// Throws: Error that names the known ones.
const Chapter& find_chapter(std::string_view number);

/// The findings as a table: name, numbers, meaning.
std::string findings_text(const Experiment& experiment, std::size_t width);
/// {"name": number, [numbers] or "word", ...}
std::string findings_json(const Experiment& experiment);
/// The chapter's page: the prediction, the findings, the figures, and the settings that gave them.
std::string course_page(const Chapter& chapter, const CourseSettings& settings, const Experiment& experiment);

// ---- the chapters, each in a file of its own

const Chapter& mdp_chapter();
const Chapter& value_iteration_chapter();
const Chapter& q_learning_chapter();
const Chapter& network_chapter();
const Chapter& backprop_chapter();
const Chapter& td_loss_chapter();
const Chapter& terminal_chapter();
const Chapter& replay_chapter();
const Chapter& target_chapter();
const Chapter& double_chapter();
const Chapter& improvements_chapter();
const Chapter& evidence_chapter();

}  // namespace bellman
