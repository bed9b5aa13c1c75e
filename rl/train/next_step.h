// The gradient step that a run would make next, for lookers-on: apps/explain takes it apart, Recorder measures it.
#pragma once

#include "rl/learn/agent.h"
#include "rl/learn/dqn_update.h"
#include "rl/replay/replay.h"
#include "rl/replay/running_normalizer.h"

namespace bellman {

struct NextStep {
  LearnStep step;
  DrawnBatch batch;  // of size 0: there is nothing to learn from yet; observations as the network takes them
};

/// The step with the batch that is drawn for it, normalised. `normalizer` may be null.
NextStep batch_for(const LearnStep& step, Replay& replay, const RunningNormalizer* normalizer);

/// Makes it op by op from the networks and moments that `update` holds, and shows each tensor to `watch`. REQUIRES:
/// the memory of update's backend is the host's; the batch is not empty.
void make_step(DqnUpdate& update, const NextStep& next, const DqnUpdate::Watcher& watch);

}  // namespace bellman
