#include "rl/learn/phase_clock.h"

#include <numeric>

#include <doctest/doctest.h>

namespace bellman {
namespace {

double ticks = 0;
double fake_clock() { return ticks; }

double of(const PhaseSeconds& seconds, Phase phase) { return seconds[static_cast<std::size_t>(phase)]; }

TEST_CASE("phases: what is not timed is shared out as it went in the timed rounds") {
  ticks = 100;
  PhaseClock clock(fake_clock);
  clock.start();
  constexpr int kRounds = 16'000;
  for (int round = 0; round < kRounds; ++round) {
    clock.begin_round(static_cast<std::uint64_t>(round));
    ticks += 1;
    clock.lap(Phase::kActing);
    ticks += 2;
    clock.lap(Phase::kEnvironments);
    if (round % 10 == 0) {  // as a run that learns every tenth round
      clock.begin_gradient_step(static_cast<std::uint64_t>(round / 10));
      ticks += 50;
      clock.lap(Phase::kLearning);
      clock.end_gradient_step();
    }
    if (round % 1'000 == 999) {
      const PhaseClock::Whole timed(clock, Phase::kEvaluation);
      ticks += 700;
    }
    clock.end_round();
  }
  const PhaseSeconds seconds = clock.take();
  CHECK(std::accumulate(seconds.begin(), seconds.end(), 0.0) == doctest::Approx(ticks - 100));
  CHECK(of(seconds, Phase::kEvaluation) == 16 * 700);
  CHECK(of(seconds, Phase::kActing) == doctest::Approx(kRounds).epsilon(0.01));
  CHECK(of(seconds, Phase::kEnvironments) == doctest::Approx(2.0 * kRounds).epsilon(0.01));
  CHECK(of(seconds, Phase::kLearning) == doctest::Approx(5.0 * kRounds).epsilon(0.01));
  CHECK(of(seconds, Phase::kSampling) == 0);
}

TEST_CASE("phases: a row every hundred rounds says what went on in them, though few of them are timed") {
  int train_frequency = 0;
  SUBCASE("learning every round") { train_frequency = 1; }
  SUBCASE("every fourth") { train_frequency = 4; }
  SUBCASE("every tenth") { train_frequency = 10; }
  SUBCASE("every fiftieth") { train_frequency = 50; }
  CAPTURE(train_frequency);
  ticks = 0;
  PhaseClock clock(fake_clock);
  clock.start();
  std::uint64_t gradient_steps = 0;
  for (int row = 0; row < 200; ++row) {
    const bool learns = row >= 100;
    for (int i = 0; i < 100; ++i) {
      const int round = 100 * row + i;
      clock.begin_round(static_cast<std::uint64_t>(round));
      ticks += 1;
      clock.lap(Phase::kActing);
      ticks += round % 3;  // an environment whose steps take more and less
      clock.lap(Phase::kEnvironments);
      if (learns && round % train_frequency == 0) {
        clock.begin_gradient_step(gradient_steps++);
        ticks += 4;
        clock.lap(Phase::kSampling);
        ticks += 60;
        clock.lap(Phase::kLearning);
        clock.end_gradient_step();
      }
      ticks += 0.5;
      clock.end_round();
    }
    const PhaseSeconds seconds = clock.take();
    const double steps = learns ? 100.0 / train_frequency : 0;
    CHECK(of(seconds, Phase::kSampling) == doctest::Approx(4 * steps).epsilon(0.15));
    CHECK(of(seconds, Phase::kLearning) == doctest::Approx(60 * steps).epsilon(0.15));
    if (row < 10) continue;  // few rounds were timed yet
    CHECK(of(seconds, Phase::kActing) == doctest::Approx(100).epsilon(0.15));
    CHECK(of(seconds, Phase::kEnvironments) == doctest::Approx(100).epsilon(0.2));
    CHECK(of(seconds, Phase::kOther) == doctest::Approx(50).epsilon(0.15));
  }
}

TEST_CASE("phases: a gradient step that became slower is seen so within some thousand steps") {
  ticks = 0;
  PhaseClock clock(fake_clock);
  clock.start();
  std::uint64_t number = 0;
  const auto share_of_learning = [&](double step, int steps) {
    for (int i = 0; i < steps; ++i) {
      clock.begin_round(number);
      ticks += 10;
      clock.lap(Phase::kActing);
      clock.begin_gradient_step(number++);
      ticks += step;
      clock.lap(Phase::kLearning);
      clock.end_gradient_step();
      clock.end_round();
    }
    const PhaseSeconds seconds = clock.take();
    return of(seconds, Phase::kLearning) / (of(seconds, Phase::kLearning) + of(seconds, Phase::kActing));
  };
  CHECK(share_of_learning(10, 20'000) == doctest::Approx(0.5));
  share_of_learning(90, 20'000);
  CHECK(share_of_learning(90, 1'000) == doctest::Approx(0.9).epsilon(0.01));
}

TEST_CASE("phases: each take begins anew, and time without a timed round is the rest") {
  ticks = 0;
  PhaseClock clock(fake_clock);
  clock.start();
  ticks += 5;
  CHECK(of(clock.take(), Phase::kOther) == 5);
  {
    const PhaseClock::Whole timed(clock, Phase::kCheckpoints);
    ticks += 3;
  }
  const PhaseSeconds seconds = clock.take();
  CHECK(of(seconds, Phase::kCheckpoints) == 3);
  CHECK(of(seconds, Phase::kOther) == 0);
}

TEST_CASE("phases: a clock that was not started reads no time") {
  PhaseClock clock([]() -> double {
    FAIL("it read the time");
    return 0;
  });
  for (std::uint64_t round = 0; round < 100; ++round) {
    clock.begin_round(round);
    clock.lap(Phase::kActing);
    const PhaseClock::Whole timed(clock, Phase::kEvaluation);
    clock.end_round();
  }
  CHECK(clock.take() == PhaseSeconds{});
}

}  // namespace
}  // namespace bellman
