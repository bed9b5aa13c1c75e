// Baird's counterexample (1995, as in Sutton and Barto 2018, section 11.2): seven states, eight weights, no rewards. The
// expected semi-gradient update of TD(0) moves the weights away from the solution, 0, without end.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

/// A small square matrix.
struct SquareMatrix {
  explicit SquareMatrix(std::size_t size, double diagonal = 0) : n(size), values(size * size) {
    for (std::size_t i = 0; i < n; ++i) (*this)(i, i) = diagonal;
  }
  double& operator()(std::size_t i, std::size_t j) { return values[i * n + j]; }
  double operator()(std::size_t i, std::size_t j) const { return values[i * n + j]; }

  std::size_t n;
  std::vector<double> values;
};
SquareMatrix operator*(const SquareMatrix& a, const SquareMatrix& b);
/// a + factor b
SquareMatrix sum(const SquareMatrix& a, double factor, const SquareMatrix& b);
SquareMatrix transposed(const SquareMatrix& a);

/// log of the spectral radius, the largest |eigenvalue|, as the limit of |m^k|^(1/k) (Gelfand 1941), k = 2^40. -infinity for 0.
double log_spectral_radius(SquareMatrix m);

/// From each state the policy goes to state 7 with the probability `solid`, otherwise to one of the six others.
struct Baird {
  double gamma = 0.99, alpha = 0.01, solid = 1;
};
/// How often each state is updated: all alike, or as often as the policy is there.
enum class BairdStates { kAlike, kOnPolicy };
enum class BairdUpdate { kSemiGradient, kResidualGradient };

inline constexpr std::size_t kBairdStates = 7, kBairdWeights = 8;

/// What one expected update does to the seven values, v <- M v.
SquareMatrix baird_update(const Baird& baird, BairdStates states, BairdUpdate update);
/// The same of a table instead of the eight weights; and of targets that are returns, so that nothing is bootstrapped.
SquareMatrix baird_table_update(const Baird& baird);
SquareMatrix baird_monte_carlo_update(const Baird& baird);
/// What `copy_every` semi-gradient updates do whose targets are read from a copy of the weights made before them.
SquareMatrix baird_copied_update(const Baird& baird, Index copy_every);

/// The updates themselves, with the library's ops in float, from the weights (1, 1, 1, 1, 1, 1, 10, 1).
struct BairdRun {
  std::vector<double> norms, value_norms;  // of the weights and of the seven values, before each update
  Index overflow = -1;  // the update that the guard held, as loss or gradient was not finite; -1: none
};
BairdRun run_baird(const Baird& baird, BairdStates states, BairdUpdate update, Index copy_every,
                   Index updates, const std::atomic<bool>& stop);

}  // namespace bellman
