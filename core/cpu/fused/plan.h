// The execution plan of a network of dense layers: which product reads and writes which value.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/cpu/simd/kernels.h"
#include "core/nn/network.h"

namespace bellman::cpu::fused {

inline constexpr Index kWidest = 512;  // outputs of a layer; beyond, threads gain more than this does

/// One dense layer and the activation after it. Values are numbered: 0 is the network's input.
struct DenseStep {
  DenseShape shape;
  Activation::Kind epilogue = Activation::kNone;
  Index weight = 0, bias = 0;  // offsets in the arena
  std::size_t from = 0, to = 0;
  // Of dL/d from: dueling streams share their input, and the last one of the backward pass finishes its gradient.
  bool accumulates = false, finishes = true;
};

struct Plan {
  std::vector<DenseStep> steps;           // in forward order
  std::vector<Index> features;            // of each value
  std::vector<Activation::Kind> made_by;  // the activation that each value came through
  bool dueling = false;                   // then Q is made of the last two streams' outputs:
  std::size_t value = 0, advantage = 0, q = 0;

  Index inputs() const { return features.front(); }
  Index actions() const { return features[q]; }
};

/// What in the network the fused kernels do not support, as the end of a sentence ("layer 2 is `conv ...`", from 0); else empty.
std::string unknown_to_plan(const Network& network);

/// REQUIRES: unknown_to_plan(network) is empty.
Plan plan_of(const Network& network);

}  // namespace bellman::cpu::fused
