// Where a run's time goes.
#pragma once

#include <cstdint>

#include "rl/learn/phases.h"

namespace bellman {

/// Reading a clock costs as much as stepping CartPole. So one round in 64 is timed, lap by lap, and one gradient step in
/// 16; the others count as like the timed ones of the last rows too, since a row may lie between two of them. What is
/// rare and long is timed whole. It does nothing before start().
class PhaseClock {
 public:
  using Now = double (*)();  // seconds
  explicit PhaseClock(Now now = steady_seconds) : now_(now) {}

  void start();
  void begin_round(std::uint64_t round) {
    if (is_on_) begin(rounds_, round);
  }
  void end_round() {
    lap(Phase::kOther);
    is_timed_ = false;
  }
  /// A gradient step is within a round, and counted apart. `number` counts the steps.
  void begin_gradient_step(std::uint64_t number) {
    if (!is_on_) return;
    lap(Phase::kOther);
    round_is_timed_ = is_timed_;
    begin(gradient_steps_, number);
  }
  void end_gradient_step() {
    end_round();
    if (round_is_timed_) go_on_with_round();
  }
  /// All since the last lap, or since round or gradient step began, was this phase.
  void lap(Phase phase) {
    if (is_timed_) add_lap(phase);
  }

  /// Times its own life, and takes it out of the lap around it. They do not nest.
  class Whole {
   public:
    Whole(PhaseClock& clock, Phase phase) : clock_(clock), phase_(phase) { clock_.begin_whole(); }
    ~Whole() { clock_.end_whole(phase_); }
    Whole(const Whole&) = delete;
    Whole& operator=(const Whole&) = delete;

   private:
    PhaseClock& clock_;
    Phase phase_;
  };

  /// Since the last call, or since start(); all zero before it.
  PhaseSeconds take();

 private:
  /// What is done again and again, and timed now and then.
  struct Sampled {
    std::uint64_t one_in;     // a power of two
    std::uint64_t count = 0;  // since the last take()
    double timed = 0;         // of the timed ones that are remembered
    PhaseSeconds laps = {};   // of these, in all

    /// Multiples of the golden ratio are spread evenly, and so are those of every k-th number: no rhythm of a run, such as
    /// learning every tenth round, falls between the timed ones.
    bool chooses(std::uint64_t number) const {
      return number * 0x9e3779b97f4a7c15U <= ~std::uint64_t{0} / one_in || timed == 0;
    }
  };

  static double steady_seconds();
  void begin(Sampled& sampled, std::uint64_t number) {
    ++sampled.count;
    is_timed_ = sampled.chooses(number);
    if (is_timed_) time(sampled);
  }
  void time(Sampled& sampled);
  void go_on_with_round();
  void add_lap(Phase phase);
  void begin_whole();
  void end_whole(Phase phase);

  Now now_;
  bool is_on_ = false, is_timed_ = false, round_is_timed_ = false;
  double lap_began_ = 0, whole_began_ = 0, taken_ = 0;
  Sampled rounds_{.one_in = 64}, gradient_steps_{.one_in = 16};
  Sampled* timing_ = nullptr;  // of the lap that goes on
  PhaseSeconds whole_{};
};

}  // namespace bellman
