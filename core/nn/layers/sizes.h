// Limits of sizes, checked when a layer is made: a network's text may come from anybody. Messages continue
// the sentence "layer 3 (dense 64) ...", which the network begins.
#pragma once

#include "core/base/check.h"
#include "core/base/tensor.h"

namespace bellman {

/// The most features that a sample may have between two layers, and the largest number a layer's text takes.
inline constexpr Index kMaxFeatures = Index{1} << 24;
/// The most parameters of a network.
inline constexpr Index kMaxParameters = Index{1} << 31;

/// The product of the extents, computed without overflow. Throws: Error, naming `what`, when it exceeds
/// `limit` or an extent is not positive.
inline Index checked_elements(const Shape& shape, Index limit, const char* what) {
  Index n = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < 1) fail("has ", what, " of shape ", shape, ": every extent must be at least 1");
    if (n > limit / shape[i]) fail("has ", what, " of shape ", shape, ", more than ", limit, " numbers");
    n *= shape[i];
  }
  return n;
}

/// Throws: Error unless lowest <= value <= kMaxFeatures.
inline void check_size(Index value, Index lowest, const char* what) {
  if (value < lowest || value > kMaxFeatures)
    fail("has ", what, " ", value, ", must be from ", lowest, " to ", kMaxFeatures);
}

/// Throws: Error unless a sample of `shape` is a row of features (I).
inline void check_features(const Shape& shape) {
  if (shape.rank() != 1) fail("expects features (I) but gets ", shape, ": put flatten before it");
  checked_elements(shape, kMaxFeatures, "an input");
}

/// Throws: Error unless a sample of `shape` is an image (C,H,W).
inline void check_image(const Shape& shape) {
  if (shape.rank() != 3) fail("expects an image (C,H,W) but gets ", shape);
  checked_elements(shape, kMaxFeatures, "an input");
}

}  // namespace bellman
