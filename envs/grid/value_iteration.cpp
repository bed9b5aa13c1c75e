#include "envs/grid/value_iteration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"

namespace bellman {

double action_value(const TabularMdp& mdp, std::span<const double> v, double gamma, std::int32_t s,
                    std::int32_t a) {
  double value = 0;
  for (const Outcome& o : mdp.outcomes(s, a)) {
    const double future = o.terminated ? 0.0 : gamma * v[static_cast<std::size_t>(o.next)];
    value += o.probability * (o.reward + future);
  }
  return value;
}

namespace {

bool is_stopped(const std::atomic<bool>* stop) { return stop && stop->load(std::memory_order_relaxed); }

double best_value(const TabularMdp& mdp, std::span<const double> v, double gamma, std::int32_t s) {
  double best = action_value(mdp, v, gamma, s, 0);
  for (std::int32_t a = 1; a < mdp.num_actions(); ++a)
    best = std::max(best, action_value(mdp, v, gamma, s, a));
  return best;
}

void check_gamma(double gamma) {
  if (!(gamma >= 0 && gamma <= 1)) fail("gamma is ", gamma, ", must be from 0 to 1");
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

/// v(s) <- max_a q(s,a) over all playable states, in rising or falling order; alternating the order spreads
/// values in both directions. Returns the largest change, relative to the largest value or 1.
double sweep(const TabularMdp& mdp, std::vector<double>& v, double gamma, bool rising) {
  double change = 0, largest = 1;
  for (std::int32_t i = 0; i < mdp.num_states(); ++i) {
    const std::int32_t s = rising ? i : mdp.num_states() - 1 - i;
    if (!mdp.playable(s)) continue;
    double& value = v[static_cast<std::size_t>(s)];
    const double updated = best_value(mdp, v, gamma, s);
    change = std::max(change, std::abs(updated - value));
    largest = std::max(largest, std::abs(updated));
    value = updated;
  }
  return change / largest;
}

/// At most `sweeps` sweeps of value iteration. Returns whether the values converged.
bool iterate(const TabularMdp& mdp, std::vector<double>& v, double gamma, Index sweeps,
             const std::atomic<bool>* stop) {
  for (Index i = 0; i < sweeps && !is_stopped(stop); ++i)
    if (sweep(mdp, v, gamma, i % 2 == 0) <= 1e-13) return true;
  return false;
}

/// The margin above `value` that exceeds rounding.
double slack(double value) { return 1e-11 * std::max(1.0, std::abs(value)); }

/// For each state an action that is best by v, up to rounding, and that leads towards the end of an episode
/// if such an action exists. (Without discount or step costs, a step into a wall is as good, but repeating it
/// never ends.)
Policy ending_policy(const TabularMdp& mdp, std::span<const double> v, double gamma) {
  constexpr double kAsGood = 100;  // times slack: values need not have converged yet
  struct Choice {
    std::int32_t state, action;
  };
  const auto states = static_cast<std::size_t>(mdp.num_states());
  Policy policy(states, -1);
  std::vector<std::vector<Choice>> into(states);
  std::vector<std::int32_t> open;
  const auto choose = [&](const Choice& choice) {
    std::int32_t& action = policy[static_cast<std::size_t>(choice.state)];
    if (action >= 0) return;
    action = choice.action;
    open.push_back(choice.state);
  };
  const auto visit_good_actions = [&](const auto& visit) {
    for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
      if (!mdp.playable(s)) continue;
      const double best = best_value(mdp, v, gamma, s);
      for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
        if (action_value(mdp, v, gamma, s, a) >= best - kAsGood * slack(best)) visit(Choice{s, a});
    }
  };
  visit_good_actions([&](const Choice& choice) {
    for (const Outcome& o : mdp.outcomes(choice.state, choice.action)) {
      if (o.probability == 0) continue;
      if (o.terminated)
        choose(choice);
      else
        into[static_cast<std::size_t>(o.next)].push_back(choice);
    }
  });
  for (std::size_t i = 0; i < open.size(); ++i)
    for (const Choice& choice : into[static_cast<std::size_t>(open[i])]) choose(choice);
  visit_good_actions([&](const Choice& choice) { choose(choice); });  // where no end is reachable
  return policy;
}

/// Replaces each state's action by a better one by v, if there is one. Returns whether any changed.
bool improve(const TabularMdp& mdp, Policy& policy, std::span<const double> v, double gamma) {
  bool improved = false;
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    if (!mdp.playable(s)) continue;
    std::int32_t& action = policy[static_cast<std::size_t>(s)];
    double best = action_value(mdp, v, gamma, s, action);
    best += slack(best);
    for (std::int32_t a = 0; a < mdp.num_actions(); ++a) {
      const double value = action_value(mdp, v, gamma, s, a);
      if (value <= best) continue;
      best = value;
      action = a;
      improved = true;
    }
  }
  return improved;
}

/// Whether `better` exceeds v in some state by more than rounding.
bool is_above(std::span<const double> better, std::span<const double> v) {
  for (std::size_t s = 0; s < v.size(); ++s)
    if (better[s] > v[s] + slack(v[s])) return true;
  return false;
}

/// Policy iteration (Howard 1960): a policy's values, a better policy by them, and so on until none is
/// better.
std::vector<double> iterate_policies(const TabularMdp& mdp, Policy policy, double gamma,
                                     const std::atomic<bool>* stop) {
  std::vector<double> v = solve_policy(mdp, policy, gamma);
  while (!is_stopped(stop) && improve(mdp, policy, v, gamma)) {
    std::vector<double> better = solve_policy(mdp, policy, gamma);
    const bool gained = is_above(better, v);
    v = std::move(better);
    if (!gained) break;  // only rounding makes policies alternate
  }
  return v;
}

/// q and the residual; `update(s)` is the right-hand side of the equation of v(s).
template <class Update>
TabularValues values_of(const TabularMdp& mdp, std::vector<double> v, double gamma, const Update& update) {
  TabularValues out;
  out.v = std::move(v);
  out.q.assign(out.v.size() * static_cast<std::size_t>(mdp.num_actions()), 0.0);
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    if (!mdp.playable(s)) continue;
    const auto state = static_cast<std::size_t>(s);
    for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
      out.q[state * static_cast<std::size_t>(mdp.num_actions()) + static_cast<std::size_t>(a)] =
          action_value(mdp, out.v, gamma, s, a);
    out.residual = std::max(out.residual, std::abs(out.v[state] - update(out.v, s)));
  }
  return out;
}

}  // namespace

TabularValues value_iteration(const TabularMdp& mdp, double gamma, const std::atomic<bool>* stop) {
  check_gamma(gamma);
  // Few sweeps find a nearly optimal policy. Without discount, finding one whose episodes end may take more.
  constexpr Index kFirst = 512, kMost = 2048;
  std::vector<double> v(static_cast<std::size_t>(mdp.num_states()), 0.0);
  for (Index sweeps = kFirst;; sweeps *= 4) {
    const bool still = iterate(mdp, v, gamma, sweeps, stop);
    if (is_stopped(stop)) break;
    try {
      v = iterate_policies(mdp, ending_policy(mdp, v, gamma), gamma, stop);
      break;
    } catch (const Error&) {
      if (still || sweeps == kMost) throw;
    }
  }
  return values_of(mdp, std::move(v), gamma, [&](std::span<const double> values, std::int32_t s) {
    return best_value(mdp, values, gamma, s);
  });
}

TabularValues evaluate_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma) {
  check_gamma(gamma);
  check_policy(mdp, policy);
  return values_of(mdp, solve_policy(mdp, policy, gamma), gamma,
                   [&](std::span<const double> v, std::int32_t s) {
                     return action_value(mdp, v, gamma, s, policy[static_cast<std::size_t>(s)]);
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

EpisodeForecast forecast_episode(const TabularMdp& mdp, std::span<const std::int32_t> policy, Index max_steps,
                                 const std::atomic<bool>* stop) {
  if (max_steps < 1) fail("an episode of at most ", max_steps, " steps cannot be forecast");
  check_policy(mdp, policy);
  const auto states = static_cast<std::size_t>(mdp.num_states());
  EpisodeForecast out;
  out.ending_in.assign(states, 0.0);
  std::vector<double> here(states, 0.0), there(states);
  for (const TabularMdp::Start& start : mdp.starts())
    here[static_cast<std::size_t>(start.state)] += start.probability;

  for (Index step = 0; step < max_steps && !is_stopped(stop); ++step) {
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

double optimal_return(const TabularMdp& mdp, Index max_steps, const std::atomic<bool>* stop) {
  if (max_steps < 1) fail("an episode of at most ", max_steps, " steps has no return");
  // v holds the best return of the last n steps, n = 0, 1, ..., max_steps.
  std::vector<double> v(static_cast<std::size_t>(mdp.num_states()), 0.0), longer = v;
  for (Index step = 0; step < max_steps && !is_stopped(stop); ++step) {
    for (std::int32_t s = 0; s < mdp.num_states(); ++s)
      if (mdp.playable(s)) longer[static_cast<std::size_t>(s)] = best_value(mdp, v, 1.0, s);
    v.swap(longer);
  }
  return start_value(mdp, v);
}

}  // namespace bellman
