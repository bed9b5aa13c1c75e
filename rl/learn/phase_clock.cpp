#include "rl/learn/phase_clock.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace bellman {
namespace {

/// One in sixteen. Multiples of the golden ratio are spread evenly, and so are those of every k-th round: no rhythm of
/// a run, such as learning every tenth round, falls between the timed ones.
bool is_timed(std::uint64_t round) { return (round * 0x9e3779b97f4a7c15U) >> 60 == 0; }

double& of(PhaseSeconds& seconds, Phase phase) { return seconds[static_cast<std::size_t>(phase)]; }

}  // namespace

double PhaseClock::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void PhaseClock::start() {
  is_on_ = true;
  taken_ = now_();
}

void PhaseClock::begin_round(std::uint64_t round) {
  in_timed_round_ = is_on_ && is_timed(round);
  if (in_timed_round_) lap_began_ = now_();
}

void PhaseClock::end_round() {
  lap(Phase::kOther);
  in_timed_round_ = false;
}

void PhaseClock::add_lap(Phase phase) {
  const double now = now_();
  of(laps_, phase) += now - lap_began_;
  lap_began_ = now;
}

void PhaseClock::begin_whole() {
  if (!is_on_) return;
  lap(Phase::kOther);
  whole_began_ = now_();
}

void PhaseClock::end_whole(Phase phase) {
  if (!is_on_) return;
  lap_began_ = now_();
  of(whole_, phase) += lap_began_ - whole_began_;
}

PhaseSeconds PhaseClock::take() {
  if (!is_on_) return {};
  lap(Phase::kOther);
  const double now = now_();
  PhaseSeconds seconds = whole_;
  const double rest = std::max(0.0, now - taken_ - std::accumulate(whole_.begin(), whole_.end(), 0.0));
  const double timed = std::accumulate(laps_.begin(), laps_.end(), 0.0);
  for (std::size_t i = 0; i < seconds.size(); ++i) seconds[i] += timed > 0 ? rest * laps_[i] / timed : 0;
  if (!(timed > 0)) of(seconds, Phase::kOther) += rest;
  taken_ = now;
  laps_ = whole_ = {};
  return seconds;
}

}  // namespace bellman
