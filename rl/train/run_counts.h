// How far a run has come, and what of its last round is still due.
//
// A round is one step of every environment. Then, for each of these steps, what is due at it is learnt;
// evaluation and row are the whole round's.
#pragma once

#include <string>

#include "core/base/tensor.h"
#include "rl/state/training_state.h"

namespace bellman {

struct RunCounts {
  Index num_envs = 1;
  Index rounds = 0;                // steps each environment has made
  Index timestep = 0;              // steps all environments together have made
  Index learnt_timestep = 0;       // steps that were learnt from; below timestep only within a round
  Index phase_steps = 0;           // gradient steps that the present training phase has made
  bool evaluation_is_due = false;  // of the last round's end: true between two rounds if it was cut short
  bool row_is_due = false;         // likewise; true as well after the last round, until the run's end
  bool episodes_are_due = false;   // before the next step: the environments are others now (change_settings)
  Index gradient_updates = 0;
  Index skipped_steps = 0;  // of environments
  Index evaluated_timestep = -1, reported_timestep = -1;

  bool is_within_round() const { return learnt_timestep < timestep || evaluation_is_due || row_is_due; }
  /// Whether a step of the last round is a multiple of `frequency`; 0: never.
  bool round_passes(Index frequency) const {
    return frequency > 0 && timestep / frequency > (timestep - num_envs) / frequency;
  }

  void save(StateWriter& out) const;
  /// Throws: Error for counts that contradict each other.
  void load(const StateReader& in);
  /// A timestep of the run so far. Throws: Error for one below `least` or after `timestep`.
  Index moment(const StateReader& in, const std::string& name, Index least) const;
};

}  // namespace bellman
