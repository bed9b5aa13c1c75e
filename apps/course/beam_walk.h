// A random walk on the beam (apps/course/beam.h), step by step and exactly: how alike its neighbouring states are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "envs/grid/grid_task.h"

namespace bellman {

/// Steps either way with the same probability; after a fall it stands in the middle again.
class BeamWalk {
 public:
  BeamWalk(const GridTask& task, std::uint64_t seed);

  struct Step {
    std::int32_t state, action;
    double reward;
    bool terminated;
  };
  Step next();

 private:
  const GridTask& task_;
  RandomSequence random_;
  std::int32_t state_;
};

/// The correlation of the walk's cell with its cell k steps later, for k = 0 .. lags - 1, by powers of the walk's transition
/// matrix.
std::vector<double> exact_correlation(const GridTask& task, std::size_t lags);

/// The same of a series of numbers.
std::vector<double> measured_correlation(std::span<const double> series, std::size_t lags);

/// How many independent numbers have a mean as certain as that of n consecutive ones:
///   n / (1 + 2 sum_(0<k<n) (1 - k/n) correlation_k)
/// REQUIRES: n correlations.
double independent_samples(std::span<const double> correlation, std::size_t n);

}  // namespace bellman
