#include "rl/learn/phase_clock.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace bellman {
namespace {

/// So many timed ones are remembered, at least: fewer, and a single slow one would count for many.
constexpr double kRemembered = 64;

double& of(PhaseSeconds& seconds, Phase phase) { return seconds[static_cast<std::size_t>(phase)]; }

double sum(const PhaseSeconds& seconds) { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }

}  // namespace

double PhaseClock::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void PhaseClock::start() {
  is_on_ = true;
  taken_ = now_();
}

void PhaseClock::time(Sampled& sampled) {
  if (sampled.timed >= 2 * kRemembered) {  // what was long ago fades
    sampled.timed /= 2;
    for (double& seconds : sampled.laps) seconds /= 2;
  }
  sampled.timed += 1;
  timing_ = &sampled;
  lap_began_ = now_();
}

void PhaseClock::go_on_with_round() {
  round_is_timed_ = false;
  is_timed_ = true;
  timing_ = &rounds_;
  lap_began_ = now_();
}

void PhaseClock::add_lap(Phase phase) {
  const double now = now_();
  of(timing_->laps, phase) += now - lap_began_;
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

/// What was not timed whole is shared out as the rounds and the gradient steps since the last call took it, each as long
/// as the mean of the timed ones.
PhaseSeconds PhaseClock::take() {
  if (!is_on_) return {};
  lap(Phase::kOther);
  const double now = now_();
  const double rest = std::max(0.0, now - taken_ - sum(whole_));
  PhaseSeconds seconds = {};
  for (Sampled* const sampled : {&rounds_, &gradient_steps_}) {
    if (sampled->timed > 0)
      for (std::size_t i = 0; i < seconds.size(); ++i)
        seconds[i] += sampled->laps[i] * static_cast<double>(sampled->count) / sampled->timed;
    sampled->count = 0;
  }
  if (const double all = sum(seconds); all > 0)
    for (double& part : seconds) part *= rest / all;
  else
    of(seconds, Phase::kOther) = rest;
  for (std::size_t i = 0; i < seconds.size(); ++i) seconds[i] += whole_[i];
  taken_ = now;
  whole_ = {};
  return seconds;
}

}  // namespace bellman
