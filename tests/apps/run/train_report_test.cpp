// The summary of a run is true for all settings and all ends of a run, and breaks no word.
#include "apps/run/train_report.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/terminal.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

constexpr std::size_t kAnyWidth = std::numeric_limits<std::size_t>::max();

/// Of a run that was not solved, whose evaluation at the end has this mean over 100 episodes.
TrainReport report_with(Index eval_frequency, Index confirm_episodes, double mean) {
  TrainReport report;
  report.spec.id = "CartPole-v1";
  report.spec.reward_threshold = 475;
  report.config.eval_frequency = eval_frequency;
  report.config.solve_confirm_episodes = confirm_episodes;
  report.result.timesteps = 10'000;
  report.result.eval = {.mean = mean, .min = mean, .max = mean, .episodes = 100};
  report.directory = "runs/a";
  return report;
}

std::string first_line(const TrainReport& report) {
  const std::string text = summary_text(report, kAnyWidth);
  return text.substr(0, text.find('\n'));
}

TEST_CASE("what is said of a run that is not solved is true beside its last evaluation") {
  const std::string none = "Not solved: no evaluation during training reached a mean return of 475";
  const std::string unknown =
      "Unknown whether solved: there were no evaluations during training (eval_frequency is 0)";
  CHECK(first_line(report_with(1000, 0, 20)) == none + ".");
  CHECK(first_line(report_with(1000, 0, 500)) == none + "; the one at the end reached it.");
  CHECK(first_line(report_with(1000, 20, 20)) == none + " and held it over 20 more episodes.");
  CHECK(first_line(report_with(1000, 1, 500)) ==
        none + " and held it over 1 more episode; the one at the end reached it.");
  CHECK(first_line(report_with(0, 20, 20)) ==
        unknown + "; the one at the end did not reach a mean return of 475.");
  CHECK(first_line(report_with(0, 20, 500)) ==
        unknown + "; the one at the end reached a mean return of 475.");

  TrainReport cut = report_with(0, 20, 0);
  cut.result.eval = {};
  cut.result.interrupted = true;
  CHECK(first_line(cut) == unknown + ".");
  cut.spec.reward_threshold = -13;  // an evaluation of no episodes has reached nothing
  cut.config.eval_frequency = 1000;
  CHECK(first_line(cut).ends_with(" and held it over 20 more episodes."));
  CHECK(contains(summary_text(cut, kAnyWidth), "train --resume runs/a\n"));
}

TEST_CASE("more steps are advised to a run that needs them") {
  for (const Index frequency : {0, 1000}) {
    CHECK(contains(summary_text(report_with(frequency, 0, 20), kAnyWidth), "Try other seeds or more steps"));
    CHECK_FALSE(contains(summary_text(report_with(frequency, 0, 500), kAnyWidth), "Try other seeds"));
  }
}

TEST_CASE("a value that a signal left out is said to be missing") {
  TrainReport report = report_with(1000, 0, 20);
  report.policy_interrupted = true;
  CHECK(contains(summary_text(report, kAnyWidth), "a signal ended its calculation"));
  CHECK(contains(report_json(report), "\"policy_value\":null"));
}

TEST_CASE("the summary's lines fit a terminal, without a word cut, and its commands stay whole") {
  TrainReport report = report_with(0, 20, 500);
  report.policy = PolicyValue{0.1, 0.2, 0.3, 0.4};
  const std::vector<std::string> whole = lines_of(summary_text(report, kAnyWidth));
  for (const std::size_t width : {39UL, 79UL, 199UL}) {
    CAPTURE(width);
    const std::string text = summary_text(report, width);
    for (const std::string& line : lines_of(text)) {
      const bool is_command = line.find("bellman ") != std::string::npos || contains(line, "tensorboard -") ||
                              contains(line, " eval --") || contains(line, " train --") ||
                              contains(line, " inspect ") || contains(line, " sweep --");
      CHECK_MESSAGE((characters(line) <= width || is_command), line);
    }
    const auto words = [](std::string of) {
      std::ranges::replace(of, '\n', ' ');
      std::string once;
      for (const char c : of)
        if (c != ' ' || !once.ends_with(' ')) once += c;
      return once;
    };
    CHECK(words(text) == words(summary_text(report, kAnyWidth)));
    for (const std::string& line : whole)
      if (contains(line, " eval --") || contains(line, "--config")) CHECK(contains(text, line + "\n"));
  }
}

TEST_CASE("lines are broken between words, and go on below their second column") {
  CHECK(wrapped("one two three\nfour\n\n", 8) == "one two\nthree\nfour\n\n");
  CHECK(wrapped("one two three", 13) == "one two three");
  CHECK(wrapped("one two three", 12) == "one two\nthree");
  CHECK(wrapped("one   two", 5) == "one\ntwo");
  CHECK(wrapped("incomprehensible as it is", 6) == "incomprehensible\nas it\nis");
  CHECK(wrapped("  a.csv  what it is", 20) == "  a.csv  what it is");
  CHECK(wrapped("  a.csv  what it is", 18) == "  a.csv  what it\n         is");
  CHECK(wrapped("  a.csv  what it is", 17) == "  a.csv  what it\n  is");  // no room beside the first column
  CHECK(wrapped("äöü äöü", 7) == "äöü äöü");
  CHECK(wrapped("äöü äöü", 6) == "äöü\näöü");
  CHECK(wrapped("", 5).empty());
}

}  // namespace
}  // namespace bellman::test
