// Inputs on their way into panels, and panels turned.
// A part of kernels_impl.h, which explains it and includes it after the vector.
#pragma once

#include "core/cpu/fused/tile.h"

namespace bellman::cpu::fused {
namespace {

void gather(float* panel, const float* rows, const Index* row, Index stride, Index features, Index samples) {
  const Index fours = features / 4 * 4;
  for (Index n = 0; n < kPanel; n += kLanes) {
    const float* at[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
      at[lane] = rows + (n + lane < samples ? row[n + lane] * stride : 0);
    if (n + kLanes <= samples) {
      for (Index i = 0; i < fours; i += 4) {
        Vec columns[4];
        columns_of_four(columns, at);
        for (int k = 0; k < 4; ++k) store(panel + (i + k) * kPanel + n, columns[k]);
        for (const float*& p : at) p += 4;
      }
      for (Index i = fours; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane) panel[i * kPanel + n + lane] = *at[lane]++;
    } else {
      for (Index i = 0; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane)
          panel[i * kPanel + n + lane] = n + lane < samples ? at[lane][i] : 0;
    }
  }
}

void transpose_panel(float* xt, Index rows, Index n, const float* x, Index features, Index samples) {
  for (Index i = 0; i < features; i += kLanes) {
    float* to = xt + (i / kPanel * rows + n) * kPanel + i % kPanel;
    for (Index lane = 0; lane < samples; lane += kLanes) {
      Vec block[kLanes];
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r)
        block[r] = i + r < features ? load(x + (i + r) * kPanel + lane) : zero();
      transpose(block);
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r) store(to + (lane + r) * kPanel, block[r]);
    }
  }
}

}  // namespace
}  // namespace bellman::cpu::fused
