// What the largest of several noisy estimates is on average, and what its choice is worth: exactly, for normal noise.
#pragma once

#include <span>

namespace bellman {

struct BestOfEstimates {
  double largest = 0;  // E[max_i x_i]
  double chosen = 0;   // E[truth of the i with the largest x_i], at most the largest truth
};

/// Of independent estimates x_i, normal around truth[i] with that standard deviation. By quadrature, to about 1e-9 of
/// their spread. REQUIRES: at least one, and noise > 0.
BestOfEstimates best_of_estimates(std::span<const double> truth, double noise);

}  // namespace bellman
