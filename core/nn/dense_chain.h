// A network of dense layers, each with the activation after it, as what runs a whole learn step at once sees
// it: core/cpu/fused makes its plan of this, core/nn/fused_dqn.h's device its layout.
#pragma once

#include <string>
#include <vector>

#include "core/nn/network.h"

namespace bellman {

/// Q is what the trunk ends with, or, with streams, the dueling head's.
struct DenseChain {
  struct Dense {
    Index inputs = 0, outputs = 0;
    Index weight = 0, bias = 0;                  // where they begin in the arena, in elements
    Activation::Kind after = Activation::kNone;  // kRelu, kTanh or nothing
  };
  std::vector<Dense> trunk;
  std::vector<Dense> value, advantage;  // 0, 1 or 2 layers; the same number of both

  Index inputs = 0, actions = 0;
};

/// Sets `chain` and returns an empty text; or returns what in the network is none, as the end of a sentence
/// ("layer 2 is `conv ...`").
std::string describe_dense_chain(DenseChain& chain, const Network& network);

}  // namespace bellman
