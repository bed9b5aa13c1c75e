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
      ticks += 50;
      clock.lap(Phase::kLearning);
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
