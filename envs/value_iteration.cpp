#include "envs/value_iteration.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace bellman {
namespace {

/// Sweeps after which values that still change have no limit. For gamma < 1 each sweep brings them nearer by
/// that factor, so that from a distance of 10^6 they are within 10^-15 after ln(10^21) / (1 - gamma) of them.
Index max_sweeps(double gamma) {
  constexpr Index kUndiscounted = 100'000;
  return gamma < 1 ? kUndiscounted + static_cast<Index>(50 / (1 - gamma)) : kUndiscounted;
}

/// sum_i p_i (r_i + gamma (1 - terminated_i) v(s_i)) of one state and action.
double backup(const TabularMdp& mdp, std::span<const double> v, double gamma, std::int32_t s,
              std::int32_t a) {
  double value = 0;
  for (const Outcome& o : mdp.outcomes(s, a)) {
    const double future = o.terminated ? 0.0 : gamma * v[static_cast<std::size_t>(o.next)];
    value += o.probability * (o.reward + future);
  }
  return value;
}

double best_backup(const TabularMdp& mdp, std::span<const double> v, double gamma, std::int32_t s) {
  double best = backup(mdp, v, gamma, s, 0);
  for (std::int32_t a = 1; a < mdp.num_actions(); ++a) best = std::max(best, backup(mdp, v, gamma, s, a));
  return best;
}

void check_settings(double gamma, double tolerance) {
  if (!(gamma >= 0 && gamma <= 1)) fail("gamma is ", gamma, ", must be from 0 to 1");
  if (!(tolerance >= 1e-14)) fail("tolerance is ", tolerance, ", must be at least 1e-14");
}

void check_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy) {
  if (policy.size() != static_cast<std::size_t>(mdp.num_states()))
    fail("a policy of ", policy.size(), " actions for ", mdp.num_states(), " states");
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    const std::int32_t a = policy[static_cast<std::size_t>(s)];
    if (mdp.playable(s) && (a < 0 || a >= mdp.num_actions()))
      fail("a policy takes action ", a, " in state ", s, ", of ", mdp.num_actions(), " actions");
  }
}

/// v(s) <- update(s) over all playable states, in rising and falling order by turns: values spread both with
/// and against the numbering. Returns the largest change, relative to the largest value or 1.
template <class Update>
double sweep(const TabularMdp& mdp, std::vector<double>& v, bool rising, const Update& update) {
  double change = 0, largest = 1;
  for (std::int32_t i = 0; i < mdp.num_states(); ++i) {
    const std::int32_t s = rising ? i : mdp.num_states() - 1 - i;
    if (!mdp.playable(s)) continue;
    double& value = v[static_cast<std::size_t>(s)];
    const double updated = update(s);
    change = std::max(change, std::abs(updated - value));
    largest = std::max(largest, std::abs(updated));
    value = updated;
  }
  return change / largest;
}

template <class Update>
TabularValues solve(const TabularMdp& mdp, double gamma, double tolerance, const Update& update_of) {
  TabularValues out;
  out.v.assign(static_cast<std::size_t>(mdp.num_states()), 0.0);
  const auto update = [&](std::int32_t s) { return update_of(out.v, s); };
  while (!(sweep(mdp, out.v, out.sweeps % 2 == 0, update) <= tolerance))
    if (++out.sweeps == max_sweeps(gamma))
      fail("values with gamma ", gamma, " do not converge in ", out.sweeps, " sweeps over ", mdp.num_states(),
           " states");
  ++out.sweeps;

  out.q.assign(out.v.size() * static_cast<std::size_t>(mdp.num_actions()), 0.0);
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    if (!mdp.playable(s)) continue;
    const auto state = static_cast<std::size_t>(s);
    for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
      out.q[state * static_cast<std::size_t>(mdp.num_actions()) + static_cast<std::size_t>(a)] =
          backup(mdp, out.v, gamma, s, a);
    out.residual = std::max(out.residual, std::abs(out.v[state] - update(s)));
  }
  return out;
}

}  // namespace

TabularValues value_iteration(const TabularMdp& mdp, double gamma, double tolerance) {
  check_settings(gamma, tolerance);
  return solve(mdp, gamma, tolerance,
               [&](std::span<const double> v, std::int32_t s) { return best_backup(mdp, v, gamma, s); });
}

TabularValues evaluate_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma,
                              double tolerance) {
  check_settings(gamma, tolerance);
  check_policy(mdp, policy);
  return solve(mdp, gamma, tolerance, [&](std::span<const double> v, std::int32_t s) {
    return backup(mdp, v, gamma, s, policy[static_cast<std::size_t>(s)]);
  });
}

Policy greedy_policy(const TabularMdp& mdp, std::span<const double> q) {
  const auto actions = static_cast<std::size_t>(mdp.num_actions());
  Policy policy(static_cast<std::size_t>(mdp.num_states()));
  if (q.size() != policy.size() * actions)
    fail("q has ", q.size(), " values, must have ", policy.size(), " x ", actions);
  for (std::size_t s = 0; s < policy.size(); ++s) {
    const std::span<const double> row = q.subspan(s * actions, actions);
    policy[s] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return policy;
}

double start_value(const TabularMdp& mdp, std::span<const double> v) {
  double value = 0;
  for (const TabularMdp::Start& start : mdp.starts())
    value += start.probability * v[static_cast<std::size_t>(start.state)];
  return value;
}

EpisodeForecast forecast_episode(const TabularMdp& mdp, std::span<const std::int32_t> policy,
                                 Index max_steps) {
  if (max_steps < 1) fail("an episode of at most ", max_steps, " steps cannot be forecast");
  check_policy(mdp, policy);
  const auto states = static_cast<std::size_t>(mdp.num_states());
  EpisodeForecast out;
  out.ending_in.assign(states, 0.0);
  std::vector<double> here(states, 0.0), there(states);
  for (const TabularMdp::Start& start : mdp.starts())
    here[static_cast<std::size_t>(start.state)] += start.probability;

  for (Index step = 0; step < max_steps; ++step) {
    std::fill(there.begin(), there.end(), 0.0);
    double going = 0;
    for (std::size_t s = 0; s < states; ++s) {
      if (here[s] == 0) continue;
      going += here[s];
      for (const Outcome& o : mdp.outcomes(static_cast<std::int32_t>(s), policy[s])) {
        const double p = here[s] * o.probability;
        out.expected_return += p * o.reward;
        (o.terminated ? out.ending_in : there)[static_cast<std::size_t>(o.next)] += p;
      }
    }
    if (going == 0) break;
    out.expected_length += going;
    here.swap(there);
  }
  for (double p : here) out.truncated += p;
  return out;
}

double optimal_return(const TabularMdp& mdp, Index max_steps) {
  if (max_steps < 1) fail("an episode of at most ", max_steps, " steps has no return");
  // v holds the best return of the last n steps, n = 0, 1, ..., max_steps.
  std::vector<double> v(static_cast<std::size_t>(mdp.num_states()), 0.0), longer = v;
  for (Index step = 0; step < max_steps; ++step) {
    for (std::int32_t s = 0; s < mdp.num_states(); ++s)
      if (mdp.playable(s)) longer[static_cast<std::size_t>(s)] = best_backup(mdp, v, 1.0, s);
    v.swap(longer);
  }
  return start_value(mdp, v);
}

}  // namespace bellman
