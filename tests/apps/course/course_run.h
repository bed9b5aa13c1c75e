// Experiments of the course, run in this process.
#pragma once

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "apps/course/course.h"

namespace bellman::test {

/// The experiment of a chapter with some settings changed: course_run("2", {"gamma=0.9"}).
inline Experiment course_run(std::string_view chapter, std::initializer_list<std::string_view> changes = {},
                             bool stopped = false) {
  const Chapter& found = find_chapter(chapter);
  CourseSettings settings(found.settings);
  for (const std::string_view change : changes) settings.change(change);
  const std::atomic<bool> stop = stopped;
  return found.run(settings, stop);
}

/// A finding; fails the test when there is none of that name.
inline const Finding& finding(const Experiment& experiment, std::string_view name) {
  for (const Finding& found : experiment.findings)
    if (found.name == name) return found;
  FAIL("no finding ", std::string(name));
  return experiment.findings.front();
}

inline double number(const Experiment& experiment, std::string_view name) {
  return finding(experiment, name).numbers.at(0);
}

}  // namespace bellman::test
