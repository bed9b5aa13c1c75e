// The one source of the kernels (kernels.h), included by one .cpp for each instruction set, after the vector
// it is written in: Vec of kLanes floats, kTileRows rows of a register tile.
//
// Blocking. A panel (two vectors of samples) is the unit of all passes; it stays in the first cache through
// the whole network, forward and back. The weights stream past it from wherever they lie. Only the gradients
// of the weights, sums over all samples, need all panels at once.
//
// Register tile. kTileRows x 2 vectors of the result stay in registers while the sum runs:
//
//                              right[k], 2 vectors of a panel
//                              ------------
//   left[i  ][k]  broadcast    |  c  |  c |
//   left[i+1][k]  broadcast    |  c  |  c |       each step of k: 2 loads, kTileRows broadcasts,
//      ...                     |     |    |       2 kTileRows fused multiply-adds
//
//   y(O,n)  = w(O,I) x(I,n)            left: rows of w       right: a feature panel of x
//   dx(I,n) = w(O,I)^T dy(O,n)         left: columns of w    right: a feature panel of dy
//   dw(O,I) = dy(O,n) x(n,I)           left: rows of dy      right: a sample panel of x
//
// Left operands are broadcast one number at a time, so that it does not matter how they lie: the weights are
// read where the arena has them, row-major, in both directions. Right operands are panels, and every epilogue
// writes its result as the panel that the next product reads. So nothing is packed: not the weights, which
// change at every step, nor the activations, but for one transpose of a layer's input for dw (2 % of its
// time).
//
// Epilogue. While the tile is still in registers: the bias (sums start from it), ReLU; on the way back, the
// slope of the ReLU or tanh below, so that no activation is a pass of its own (tanh's forward pass is one,
// over a panel in the first cache).
//
// Narrow layers (4 inputs, 2 actions) would leave most of a vector of dw empty. Their dw are dot products
// along the samples: kLanes of them at a time, whose vectors of partial sums are then added up across lanes
// together.
//
// Sums run over k from the first to the last; results do not depend on the number of lanes, but for dot
// products.
//
// Functions here are in an unnamed namespace and call nothing of the standard library: an inline function
// with external linkage that was compiled for AVX-512 could be the one the linker keeps for the whole
// program.
#pragma once

#include "core/cpu/fused/arrange.h"
#include "core/cpu/fused/kernels.h"
#include "core/cpu/fused/layers.h"
#include "core/cpu/fused/one_sample.h"
#include "core/cpu/fused/panel_products.h"
#include "core/cpu/fused/q_learning.h"
#include "core/cpu/fused/tile.h"
#include "core/cpu/fused/weight_gradients.h"

/// The kernels of the translation unit as a table.
#define BELLMAN_FUSED_KERNELS(name)                                                                          \
  {                                                                                                          \
    name, kPanel, kNarrow, forward, input_gradient, weight_columns, narrow_weights, biases, transpose_panel, \
        gather, row, dueling_forward, dueling_backward, td, adam, finite, sum_of_squares, panel_product,     \
        panel_columns                                                                                        \
  }
