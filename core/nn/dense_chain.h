// A network of dense layers and their activations, as fused learn steps need it: core/cpu/fused derives its
// plan from it, the device behind core/nn/fused_dqn.h its layout.
#pragma once

#include <string>
#include <vector>

#include "core/nn/network.h"

namespace bellman {

/// Q is the trunk's output or, with streams, the dueling head's.
struct DenseChain {
  struct Dense {
    Index inputs = 0, outputs = 0;
    Index weight = 0, bias = 0;                  // offsets in the arena, in elements
    Activation::Kind after = Activation::kNone;  // kRelu, kTanh or kNone
  };
  std::vector<Dense> trunk;
  std::vector<Dense> value, advantage;  // 0, 1 or 2 layers, equally many in both

  Index inputs = 0, actions = 0;
};

/// Sets `chain` and returns an empty text. Otherwise returns which layer of the network does not fit, as the
/// end of a sentence: "layer 2 is `conv ...`", counted from 0.
std::string describe_dense_chain(DenseChain& chain, const Network& network);

}  // namespace bellman
