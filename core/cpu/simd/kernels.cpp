// The one source of the kernels (kernels.h), compiled once for each instruction set: CMakeLists.txt gives
// BELLMAN_KERNELS, the table's name, and BELLMAN_KERNELS_TEXT, the instruction set's.
//
// Blocking. All passes work on one panel (two vectors of samples), which stays in the L1 cache through the whole network,
// forward and back. The weights stream past it. Only their gradients, sums over all samples, need all panels at once.
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
// Left operands are broadcast number by number, in any layout: both directions read the weights from the arena, row-major.
// Right operands are panels, and every epilogue writes the panel that the next product reads. So nothing is packed, neither
// weights nor activations, except for one transpose of a layer's input for dw (2 % of its time).
//
// Epilogue. While the tile is still in registers: the bias (sums start from it) and ReLU; on the way back, the slope of the
// ReLU or tanh below. So no activation is a pass of its own, except tanh forward, over a panel in the L1 cache.
//
// Narrow layers (4 inputs, 2 actions) would leave most of a vector of dw empty. Their dw are dot products along the samples,
// kLanes of them at a time, whose partial sums are then added across lanes together.
//
// Sums run over k from the first to the last. Only dot products depend on the number of lanes.
//
// All functions are in an unnamed namespace and call nothing of the standard library, for the reason in vec.h.
#include "core/cpu/simd/kernels.h"

#include "core/cpu/simd/layers.h"
#include "core/cpu/simd/panel_products.h"
#include "core/cpu/simd/q_learning.h"
#include "core/cpu/simd/weight_gradients.h"

namespace bellman::cpu {

extern const Kernels BELLMAN_KERNELS;
const Kernels BELLMAN_KERNELS = {BELLMAN_KERNELS_TEXT,
                                 kPanel,
                                 kNarrow,
                                 forward,
                                 input_gradient,
                                 weight_columns,
                                 narrow_weights,
                                 biases,
                                 transpose_panel,
                                 gather,
                                 row,
                                 dueling_forward,
                                 dueling_backward,
                                 td,
                                 adam,
                                 finite,
                                 sum_of_squares,
                                 panel_product,
                                 panel_columns};

}  // namespace bellman::cpu
