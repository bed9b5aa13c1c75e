// The target of n steps as a random number: its mean and variance, exactly, and as the replay ring assembles it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

struct TargetMoments {
  double mean = 0, variance = 0;
};

/// What plays after the first action: epsilon-greedy around one action for every state.
struct EpsilonPlayer {
  std::int32_t best = 0;
  double epsilon = 0;
};

/// Of r_1 + gamma r_2 + .. + gamma^n values(s_n), from the first start, where `player.best` is taken, for n = 1 ..
/// most: element n - 1. Nothing follows an end. values(S): what is bootstrapped from. By the recursion of the first two
/// moments over the table's outcomes, without drawing.
std::vector<TargetMoments> n_step_moments(const TabularMdp& mdp, const EpsilonPlayer& player,
                                          std::span<const double> values, double gamma, Index most);

/// The same targets of `episodes` real ones, as ReplayRing sums them: those of each episode's first step.
std::vector<double> n_step_targets(const TabularMdp& mdp, const EpsilonPlayer& player,
                                   std::span<const double> values, double gamma, Index n, Index episodes,
                                   std::uint64_t seed);

}  // namespace bellman
