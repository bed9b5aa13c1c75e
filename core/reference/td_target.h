// The target of temporal-difference learning: the reward seen, plus the discounted value of what comes next.
#pragma once

#include "core/reference/argmax.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y(B) = reward(B) + discount(B) (1 - terminated(B)) q_target(B,A)[a*]. Overwrites y. The next action a* is
/// the best one in the eyes of
///   - the target network itself, without q_online (Mnih et al. 2015, algorithm 1);
///   - the online network, with q_online(B,A) (Double DQN: van Hasselt et al. 2016, eq. 4). The one network
///     chooses and the other one judges, so an action is not overrated by the very error that had it chosen.
/// Only `terminated` stops bootstrapping. A time limit is not the end of the world: the state after it still
/// has value.
template <class T>
void td_target(Out<T> y, In<T> q_target, In<T> q_online, In<T> reward, In<T> discount, In<T> terminated) {
  for (Index n = 0; n < y[0]; ++n) {
    const Index best = argmax_of_row(q_online ? q_online : q_target, n);
    at(y, n) = at(reward, n) + at(discount, n) * (1 - at(terminated, n)) * at(q_target, n, best);
  }
}

}  // namespace bellman::reference
