// Numbers that go wrong, seen where they are: a learn step asks whether its loss and gradient are finite
// before the optimiser changes anything, and the optimiser whether what it wrote is. On a device nobody waits
// for the answer; the steps that follow read it (docs/decisions/0008).
#pragma once

#include "core/base/tensor.h"

namespace bellman {

/// The words of a guard, an IntTensor (kGuardWords) in a backend's memory, 0 at first.
enum GuardWord : Index {
  kHeld,        // 1: the optimiser must not apply this step
  kSkipped,     // how many steps were held so far
  kPlace,       // 1 + the first place of the gradient whose number is not finite; 0: there is none
  kOverflowed,  // 1: a step left a parameter or moment that is not finite. It stays, and every later step is
                // held
  kGuardWords,
};

/// Whether a step that is held holds all later ones, too, until somebody clears the guard.
enum class Holding { kOneStep, kForGood };

}  // namespace bellman
