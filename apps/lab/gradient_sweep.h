// A gradient check in depth: how far a finite difference can be trusted, and how far backends round from the definition.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/nn/network.h"

namespace bellman {

/// Errors of central differences (L(z+h) - L(z-h)) / 2h against the backward pass, both in double, over the numbers of
/// all parameters that were nudged and are at no kink.
struct StepError {
  double h = 0;
  double median = 0, worst = 0;  // relative errors
};

/// What a backend's float passes leave of one tensor.
struct Rounding {
  std::string tensor;
  double worst_ulp = 0;  // max |x - definition| in units of the last place of the tensor's largest number
};

struct BackendRounding {
  std::string device;
  std::string missing;  // why it was not asked; empty: it was
  std::vector<Rounding> tensors;
};

struct GradientSweep {
  Index nudged = 0, kinks = 0;   // numbers that were nudged, and of them those at a kink
  std::vector<StepError> steps;  // h from large to small
  std::vector<BackendRounding> backends;
};

struct GradientSweepOptions {
  std::uint64_t seed = 1;
  Index batch = 4;
  Index samples = 20;  // of each tensor
};

GradientSweep sweep_gradients(const Network& network, const GradientSweepOptions& options);
std::string gradient_sweep_text(const GradientSweep& sweep);
std::string gradient_sweep_page(const Network& network, const GradientSweep& sweep);

}  // namespace bellman
