// Where a run's time goes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bellman {

enum class Phase {
  kActing,
  kEnvironments,
  kSampling,
  kLearning,
  kEvaluation,
  kCheckpoints,
  kRecords,
  kOther
};
inline constexpr std::array<std::string_view, 8> kPhaseNames = {
    "acting", "environments", "sampling", "learning", "evaluation", "checkpoints", "records", "other"};
inline constexpr std::array<std::string_view, kPhaseNames.size()> kPhaseMeanings = {
    "Q-values and the choice of actions",
    "steps of the environments, and storing what came of them",
    "drawing batches from the replay, and their new priorities",
    "gradient steps",
    "the episodes that are played in between",
    "what training waits for of a checkpoint",
    "rows of the logs, and what is measured for them",
    "target network, progress bar, and what the program does besides",
};
using PhaseSeconds = std::array<double, kPhaseNames.size()>;

/// Of the rounds it times one in sixteen, lap by lap: reading a clock costs as much as stepping CartPole. What is rare
/// and long is timed whole; the rest of the time is shared out as it went in the timed rounds. It does nothing
/// before start().
class PhaseClock {
 public:
  using Now = double (*)();  // seconds
  explicit PhaseClock(Now now = steady_seconds) : now_(now) {}

  void start();
  void begin_round(std::uint64_t round);
  /// All since the last lap, or since the round began, was this phase.
  void lap(Phase phase) {
    if (in_timed_round_) add_lap(phase);
  }
  void end_round();

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
  static double steady_seconds();
  void add_lap(Phase phase);
  void begin_whole();
  void end_whole(Phase phase);

  Now now_;
  bool is_on_ = false, in_timed_round_ = false;
  double lap_began_ = 0, whole_began_ = 0, taken_ = 0;
  PhaseSeconds laps_{}, whole_{};
};

}  // namespace bellman
