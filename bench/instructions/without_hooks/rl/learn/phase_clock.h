// PhaseClock that times nothing, for a build whose training has no hooks for a recorder: what these cost a run that
// records nothing is the difference of the two builds' instructions (scripts/instructions.sh --hooks).
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
inline constexpr std::array<std::string_view, 8> kPhaseNames = {}, kPhaseMeanings = {};
using PhaseSeconds = std::array<double, kPhaseNames.size()>;

class PhaseClock {
 public:
  void start() {}
  void begin_round(std::uint64_t) {}
  void end_round() {}
  void begin_gradient_step(std::uint64_t) {}
  void end_gradient_step() {}
  void lap(Phase) {}
  PhaseSeconds take() { return {}; }

  class Whole {
   public:
    Whole(PhaseClock&, Phase) {}
    ~Whole() {}  // not trivial, or it would be an unused variable
    Whole(const Whole&) = delete;
    Whole& operator=(const Whole&) = delete;
  };
};

}  // namespace bellman
