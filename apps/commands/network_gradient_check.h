// A whole network's backward pass against finite differences, layer by layer.
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
  Index samples = 100;      // at most so many numbers of each tensor are nudged, evenly spread
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
  /// A gradient of zero would have passed, too: every number compared is 0, or all of them are at corners.
  bool vacuous = false;
};

struct NetworkGradientCheck {
  double loss = 0;
  std::vector<TensorGradientCheck> tensors;  // for each layer, first to last: its input, then its parameters
  bool passed() const;
  /// All tensors are: nothing was found out.
  bool vacuous() const;
};

/// The loss is L = 1/(2B) sum_n |y_n - t_n|^2 for random inputs and targets t: dL/dy = (y - t) / B.
/// Parameters start as PyTorch's do.
///
/// One backward pass gives every gradient. The loss that is computed anew when a parameter is nudged is that
/// of the whole network; for the input of layer i it is that of the layers from i on, which see that input
/// alone. Throws: Error when the options cannot be: batch, samples or tolerance not above 0.
NetworkGradientCheck check_network_gradients(BasicBackend<double>& backend,
                                             const BasicNetwork<double>& network,
                                             const NetworkCheckOptions& options);

}  // namespace bellman
