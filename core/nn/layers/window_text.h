// How a window is written in a network's text, and the checks that convolution and pooling share.
#pragma once

#include <string>

#include "core/nn/layers/sizes.h"
#include "core/ops/backend.h"

namespace bellman {

/// "2" for equal extents, "2x1" otherwise.
inline std::string extents_text(Index h, Index w) {
  return h == w ? std::to_string(h) : std::to_string(h) + "x" + std::to_string(w);
}

/// "3x3 stride 2 padding 1", a stride or padding that is the layer's default left out.
inline std::string window_text(const Window& window, Index default_stride_h, Index default_stride_w) {
  std::string text = std::to_string(window.kernel_h) + "x" + std::to_string(window.kernel_w);
  if (window.stride_h != default_stride_h || window.stride_w != default_stride_w)
    text += " stride " + extents_text(window.stride_h, window.stride_w);
  if (window.padding_h != 0 || window.padding_w != 0)
    text += " padding " + extents_text(window.padding_h, window.padding_w);
  return text;
}

/// Throws: Error when `input` is no image (C,H,W), an extent of the window is out of range, or the window
/// does not fit the padded image.
inline void check_window(const Shape& input, const Window& window) {
  check_image(input);
  check_size(window.kernel_h, 1, "a kernel height");
  check_size(window.kernel_w, 1, "a kernel width");
  check_size(window.stride_h, 1, "a stride");
  check_size(window.stride_w, 1, "a stride");
  check_size(window.padding_h, 0, "a padding");
  check_size(window.padding_w, 0, "a padding");
  if (window.output_h(input[1]) < 1 || window.output_w(input[2]) < 1)
    fail("has a window of ", window.kernel_h, "x", window.kernel_w, ", which does not fit an image ", input,
         " with padding ", window.padding_h, "x", window.padding_w);
}

}  // namespace bellman
