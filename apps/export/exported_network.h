// A trained network as a row of plain steps, which each exporter writes in its own language.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/run/trained_network.h"
#include "core/base/tensor.h"
#include "core/ops/op_options.h"

namespace bellman {

struct ExportedStep {
  enum class Kind { kDense, kConv, kMaxPool, kActivation, kLayerNorm, kFlatten, kDueling };

  Kind kind = Kind::kFlatten;
  std::string name;     // "0", "4.value.2": as its parameters' names begin
  Shape input, output;  // of one sample
  // Of a dense layer (O,I) and (O), of a convolution (O,C,KH,KW) and (O), of layer normalisation (I) and (I).
  std::span<const float> weight{}, bias{};
  Window window{};
  Activation activation{};
  std::vector<ExportedStep> value{}, advantage{};  // of kDueling: the streams
};

struct ExportedNetwork {
  std::string text;
  Shape input;
  Index actions = 0;
  // z = clamp((x - mean) * scale, -limit, limit), in double, before the first step; empty: nothing.
  std::vector<double> mean{}, scale{};
  double limit = 0;
  std::vector<ExportedStep> steps{};
};

/// REQUIRES: `network` outlives the result, whose weights are its own.
ExportedNetwork exported_network(const TrainedNetwork& network);

}  // namespace bellman
