#include "rl/train/run_counts.h"

#include <algorithm>

#include "core/base/check.h"

namespace bellman {

void RunCounts::save(StateWriter& out) const {
  out.add("trainer.rounds", rounds);
  out.add("trainer.timestep", timestep);
  out.add("trainer.learnt_timestep", learnt_timestep);
  out.add("trainer.phase_steps", phase_steps);
  out.add("trainer.evaluation_is_due", Index{evaluation_is_due});
  out.add("trainer.row_is_due", Index{row_is_due});
  out.add("trainer.episodes_are_due", Index{episodes_are_due});
  out.add("trainer.gradient_updates", gradient_updates);
  out.add("trainer.skipped_steps", skipped_steps);
  out.add("trainer.evaluated_timestep", evaluated_timestep);
  out.add("trainer.reported_timestep", reported_timestep);
}

void RunCounts::load(const StateReader& in) {
  rounds = in.count("trainer.rounds");
  timestep = in.count("trainer.timestep");
  if (timestep % num_envs != 0 || timestep / num_envs != rounds)
    fail(in.source(), ": trainer.rounds and trainer.timestep: ", rounds, " rounds of ", num_envs,
         " environments do not make ", timestep, " steps");
  gradient_updates = in.count("trainer.gradient_updates");
  skipped_steps = in.count("trainer.skipped_steps");
  evaluated_timestep = moment(in, "trainer.evaluated_timestep", -1);
  reported_timestep = moment(in, "trainer.reported_timestep", -1);
  learnt_timestep = moment(in, "trainer.learnt_timestep", std::max<Index>(0, timestep - num_envs));
  phase_steps = in.count("trainer.phase_steps");
  if (phase_steps > 0 && learnt_timestep == timestep)
    fail(in.source(), ": trainer.phase_steps is ", phase_steps, ", but trainer.learnt_timestep is ", timestep,
         ", the round's end");
  evaluation_is_due = in.count("trainer.evaluation_is_due") != 0;
  row_is_due = in.count("trainer.row_is_due") != 0;
  episodes_are_due = in.count("trainer.episodes_are_due") != 0;
}

Index RunCounts::moment(const StateReader& in, const std::string& name, Index least) const {
  const Index t = in.count(name, least);
  if (t > timestep) fail(in.source(), ": ", name, " is ", t, ", but only ", timestep, " steps were made");
  return t;
}

}  // namespace bellman
