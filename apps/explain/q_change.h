// Why did Q(s, a) change? One Q-value's change in a gradient step, split over the transitions of the batch.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/explain/update_trace.h"

namespace bellman {

/// A step moves the parameters by a sum: a part for each transition's gradient, through the optimiser's scale, a part for
/// weight decay, and a part for what the optimiser remembered of earlier steps. The change of Q along the straight way from theta to theta'
/// is
///
///   Q(theta') - Q(theta) = G . (theta' - theta),   G = integral over t in [0,1] of dQ/dtheta at theta + t (theta' - theta)
///
/// (Aumann and Shapley 1974; "integrated gradients", Sundararajan et al. 2017), so each part of the way has its share of
/// the change. The integral is taken by the midpoint rule: what that and rounding leave is the residual.
struct QChange {
  std::vector<double> observation;  // as the network takes it
  Index action = 0;
  double before = 0, after = 0;
  std::vector<double> of_transition;  // (B)
  double of_decay = 0;                // of weight decay
  double of_memory = 0;               // of the optimiser's moments
  double residual = 0;                // after - before, less all of these
};

/// For an observation (I) as the network takes it. A skipped step has no parts. Throws: Error when it has another size, or there is no such action.
QChange split_q_change(const UpdateTrace& trace, std::span<const double> observation, Index action);

/// Throws: Error as Env::set_physical_state for a state that the run's environment does not have.
void check_state(const TrainConfig& config, std::span<const double> state);

/// The observation of `state` (Env::set_physical_state) as the network takes it at this step. Throws: Error as the
/// environment does.
std::vector<double> observation_of_state(const UpdateTrace& trace, std::span<const double> state);

}  // namespace bellman
