#include "apps/run/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "apps/base/numbers.h"

namespace bellman::test {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Progress halfway() {
  return {.timestep = 25'000,
          .total_timesteps = 50'000,
          .seconds = 3,
          .steps_per_second = 8512,
          .episodes = 300,
          .mean_return = 182.43,
          .epsilon = 0.04,
          .loss = 0.03125,
          .eval_mean = 211.5};
}

TEST_CASE("the whole line, with a bar when there is room") {
  CHECK(plain_line(halfway(), 2.9) ==
        " 50 %  step 25,000  8,512 steps/s  return 182.4  evaluation 211.5  epsilon 0.040  loss 0.0312  3 s "
        "left");
  CHECK(bar_line(halfway(), 2.9, 200) == "[###############---------------] " + plain_line(halfway(), 2.9));
}

TEST_CASE("what does not exist yet is left out") {
  Progress start;
  start.total_timesteps = 1000;
  start.epsilon = 1;
  CHECK(plain_line(start, kNone) == "  0 %  step     0  epsilon 1.000");
}

TEST_CASE("the line fits every width, and never says 100 % before the end") {
  Progress progress = halfway();
  progress.timestep = 49'999;
  for (std::size_t width = 0; width < 200; ++width) {
    const std::string line = bar_line(progress, 2.9, width);
    CHECK(line.size() <= width);
    CHECK(line.find("100 %") == std::string::npos);
    if (width >= 5) CHECK(line.find("99 %") != std::string::npos);
    if (width >= 20) CHECK(line.find("return 182.4") != std::string::npos);
  }
  progress.timestep = 50'000;
  CHECK(bar_line(progress, kNone, 80).find("100 %") != std::string::npos);
}

TEST_CASE("a bar stands in lines of every width from 30 on, and grows while a run continues") {
  for (const std::size_t columns : {31, 40, 60, 80, 120, 200}) {
    CAPTURE(columns);
    std::size_t before = 0;
    for (Index tenth = 0; tenth <= 10; ++tenth) {
      Progress progress = halfway();
      progress.timestep = 5000 * tenth;
      const std::string line = bar_line(progress, 2.9, columns - 1);
      REQUIRE(line.front() == '[');
      const std::size_t cells = line.find(']') - 1;
      const auto filled = static_cast<std::size_t>(std::count(line.begin(), line.end(), '#'));
      CHECK(cells >= 6);
      CHECK(filled == cells * static_cast<std::size_t>(tenth) / 10);
      CHECK(filled >= before);
      before = filled;
    }
  }
  CHECK(bar_line(halfway(), 2.9, 29).find('[') == std::string::npos);
}

TEST_CASE("what is needed least goes first") {
  const std::string line = bar_line(halfway(), 2.9, 60);
  CHECK(line.find("return") != std::string::npos);
  CHECK(line.find("left") != std::string::npos);
  CHECK(line.find("loss") == std::string::npos);
  CHECK(line.find("epsilon") == std::string::npos);
}

TEST_CASE("counts and durations as people read them") {
  CHECK(with_separators(0) == "0");
  CHECK(with_separators(999) == "999");
  CHECK(with_separators(1000) == "1,000");
  CHECK(with_separators(1234567) == "1,234,567");
  CHECK(with_separators(-1234) == "-1,234");
  CHECK(with_separators(-999) == "-999");
  CHECK(duration_text(0) == "0 s");
  CHECK(duration_text(59.4) == "59 s");
  CHECK(duration_text(59.6) == "1:00 min");
  CHECK(duration_text(3599) == "59:59 min");
  CHECK(duration_text(3753) == "1:02:33 h");
}

TEST_CASE("the time left follows the pace of the last seconds") {
  TimeLeft left;
  Progress progress;
  progress.total_timesteps = 1000;
  CHECK(std::isnan(left.update(progress)));
  progress = {.timestep = 100, .total_timesteps = 1000, .seconds = 1, .steps_per_second = 100};
  CHECK(left.update(progress) == doctest::Approx(9));
  // Learning starts: ten times slower. After many seconds the old pace is forgotten.
  for (int i = 0; i < 30; ++i) {
    progress.timestep += 10;
    progress.seconds += 1;
    progress.steps_per_second = 10;
    left.update(progress);
  }
  CHECK(left.update(progress) == doctest::Approx(60).epsilon(0.01));
  progress.timestep = 1000;
  CHECK(std::isnan(left.update(progress)));
}

TEST_CASE("where there is no terminal: a line for every twentieth, and one at the end") {
  std::ostringstream out;
  {
    ProgressBar bar(out, -1);
    Progress progress = halfway();
    for (Index t = 0; t <= 50'000; t += 250) {
      progress.timestep = t;
      bar.on_progress(progress);
    }
    bar.on_progress(progress);  // the trainer reports the end once more
  }
  const std::string lines = out.str();
  std::istringstream in(lines);
  std::string last;
  int count = 0;
  for (std::string line; std::getline(in, line); last = line) ++count;
  CHECK(count == 20);
  CHECK(last.starts_with("100 %"));
  CHECK(lines.find('\r') == std::string::npos);
  CHECK(lines.find('\x1b') == std::string::npos);
  CHECK(lines.back() == '\n');
}

TEST_CASE("a slow run still says something twice a minute") {
  std::ostringstream out;
  ProgressBar bar(out, -1);
  Progress progress = halfway();
  for (int second = 0; second <= 120; ++second) {
    progress.timestep = 10 + second;
    progress.seconds = second;
    bar.on_progress(progress);
  }
  std::istringstream in(out.str());
  int count = 0;
  for (std::string line; std::getline(in, line);) ++count;
  CHECK(count == 4);
}

}  // namespace
}  // namespace bellman::test
