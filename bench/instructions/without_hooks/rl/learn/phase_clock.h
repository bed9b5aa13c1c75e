// PhaseClock that times nothing, for a build whose training has no hooks for a recorder: what these cost a run that
// records nothing is the difference of the two builds' instructions (scripts/instructions.sh --hooks).
#pragma once

#include <cstdint>

#include "rl/learn/phases.h"

namespace bellman {

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
