// Compares a whole network's backward pass with finite differences, layer by layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/nn/gradient_check.h"
#include "core/nn/network.h"

namespace bellman {

struct NetworkCheckOptions {
  std::uint64_t seed = 1;  // of parameters, inputs and targets
  Index batch = 4;
  Index samples = 100;      // the most numbers of each tensor that are nudged, evenly spread
  double tolerance = 1e-6;  // the largest relative error that passes
};

/// One tensor's gradient.
struct TensorGradientCheck {
  std::size_t layer = 0;
  std::string name;  // "input", or the parameter's name within the layer
  Shape shape;
  GradientCheck check;
  /// The error is within the tolerance.
  bool passed = false;
  /// A gradient of zero would have passed, too: every number compared is 0, or all of them are at kinks.
  bool vacuous = false;
};

struct NetworkGradientCheck {
  double loss = 0;
  std::vector<TensorGradientCheck> tensors;  // for each layer, first to last: its input, then its parameters
  bool passed() const;
  /// All tensors are vacuous.
  bool vacuous() const;
};

/// The loss is L = 1/(2B) sum_n |y_n - t_n|^2 for random inputs and targets t: dL/dy = (y - t) / B.
/// Parameters start as PyTorch's do.
///
/// One backward pass gives every gradient. For a nudged parameter the loss of the whole network is computed
/// again, for the input of layer i the loss of the layers from i on. Throws: Error unless batch, samples and
/// tolerance are above 0.
NetworkGradientCheck check_network_gradients(BasicBackend<double>& backend,
                                             const BasicNetwork<double>& network,
                                             const NetworkCheckOptions& options);

}  // namespace bellman
