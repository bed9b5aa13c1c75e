// The layers of a traced step one by one: what each computed for a transition, and what its backward pass made of it,
// as formulas and as the same formulas with the numbers filled in.
#pragma once

#include "apps/explain/update_trace.h"
#include "apps/page/markup.h"

namespace bellman {

Markup layer_forward(const UpdateTrace& trace, std::size_t layer, Index sample);
Markup layer_backward(const UpdateTrace& trace, std::size_t layer, Index sample);

/// The same of layers with windows, by their text: "conv 16 3x3 stride 2", "max_pool 2x2" (conv_sections.cpp).
Markup window_forward(const UpdateTrace& trace, std::size_t layer, Index sample);
Markup window_backward(const UpdateTrace& trace, std::size_t layer, Index sample);

/// The gradient's largest elements, each beside its finite difference.
Markup gradient_table(const UpdateTrace& trace, const std::string& parameter);

/// dL/dx of the layer; null where the backward pass does not compute it.
const TracedTensor* input_gradient(const UpdateTrace& trace, std::size_t layer);

/// "a3", "da4": by the workspace's names.
std::string activation_name(std::size_t i, bool gradient = false);

}  // namespace bellman
