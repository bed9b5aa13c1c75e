#include "apps/course/n_step_target.h"

#include <cstddef>

#include "core/base/rng.h"
#include "envs/grid/tabular_step.h"
#include "rl/replay/replay.h"
#include "rl/replay/replay_ring.h"

namespace bellman {
namespace {

/// E[G] and E[G^2], by state.
struct RawMoments {
  std::vector<double> first, second;
};

// G = r + gamma c G', c = 0 after an end. E[G] = E[r + gamma c E[G']], E[G^2] = E[r^2 + 2 r gamma c E[G'] + gamma^2 c E[G'^2]].
void add_action(double& first, double& second, double weight, std::span<const Outcome> outcomes, double gamma,
                const RawMoments& next) {
  for (const Outcome& o : outcomes) {
    const auto s = static_cast<std::size_t>(o.next);
    const double g1 = o.terminated ? 0 : gamma * next.first[s],
                 g2 = o.terminated ? 0 : gamma * gamma * next.second[s];
    first += weight * o.probability * (o.reward + g1);
    second += weight * o.probability * (o.reward * o.reward + 2 * o.reward * g1 + g2);
  }
}

}  // namespace

std::vector<TargetMoments> n_step_moments(const TabularMdp& mdp, const EpsilonPlayer& player,
                                          std::span<const double> values, double gamma, Index most) {
  const auto states = static_cast<std::size_t>(mdp.num_states());
  RawMoments next = {{values.begin(), values.end()}, std::vector<double>(states)};
  for (std::size_t s = 0; s < states; ++s) next.second[s] = values[s] * values[s];
  std::vector<TargetMoments> result;
  for (Index n = 1; n <= most; ++n) {
    double first = 0, second = 0;
    add_action(first, second, 1, mdp.outcomes(mdp.starts().front().state, player.best), gamma, next);
    result.push_back({first, second - first * first});
    RawMoments now = {std::vector<double>(states), std::vector<double>(states)};
    for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
      if (!mdp.playable(s)) continue;
      for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
        add_action(now.first[static_cast<std::size_t>(s)], now.second[static_cast<std::size_t>(s)],
                   player.epsilon / mdp.num_actions() + (a == player.best ? 1 - player.epsilon : 0),
                   mdp.outcomes(s, a), gamma, next);
    }
    next = now;
  }
  return result;
}

std::vector<double> n_step_targets(const TabularMdp& mdp, const EpsilonPlayer& player,
                                   std::span<const double> values, double gamma, Index n, Index episodes,
                                   std::uint64_t seed) {
  RandomSequence random({seed, Purpose::kEnvironment, 0});
  std::vector<double> targets;
  for (Index episode = 0; episode < episodes; ++episode) {
    ReplayRing ring(n + 2, 1, n, gamma);
    std::vector<std::int32_t> state_of(static_cast<std::size_t>(ring.capacity()));
    std::int32_t s = mdp.starts().front().state;
    const Index first = ring.begin_episode(0).slot;
    state_of[static_cast<std::size_t>(first)] = s;
    for (Index step = 0; step < n; ++step) {
      const bool explores = step > 0 && random.uniform(0, 1) < player.epsilon;
      const std::int32_t a = explores ? static_cast<std::int32_t>(uniform_index(
                                            random.word(), static_cast<std::uint32_t>(mdp.num_actions())))
                                      : player.best;
      const Outcome& outcome = tabular_step(mdp.table(), s, a, random.uniform(0, 1));
      s = outcome.next;
      state_of[static_cast<std::size_t>(
          ring.add(0, a, static_cast<float>(outcome.reward), outcome.terminated, false).slot)] = s;
      if (outcome.terminated) break;
    }
    BatchArrays arrays(1);
    arrays.slots[0] = first;
    const Batch batch = ring.assemble(arrays, 1);
    const auto bootstrap = static_cast<std::size_t>(state_of[static_cast<std::size_t>(batch.next_slots[0])]);
    targets.push_back(static_cast<double>(batch.rewards[0]) +
                      static_cast<double>(batch.discounts[0]) *
                          (1 - static_cast<double>(batch.terminated[0])) * values[bootstrap]);
  }
  return targets;
}

}  // namespace bellman
