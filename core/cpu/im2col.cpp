#include "core/cpu/im2col.h"

#include <algorithm>

namespace bellman::cpu {
namespace {

/// The outputs begin .. end whose input i stride + offset lies in 0 .. inputs-1.
struct Inside {
  Index begin, end;
};

Inside inside(Index outputs, Index inputs, Index stride, Index offset) {
  const Index begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const Index end = offset >= inputs ? 0 : (inputs - 1 - offset) / stride + 1;
  return {std::min(begin, outputs), std::clamp(end, std::min(begin, outputs), outputs)};
}

/// Row (c,p,q) of the patches: which pixels it holds.
struct Row {
  Index image;               // offset of the channel's image
  Index offset_h, offset_w;  // of the pixel that output (0,0) sees
  Inside i, j;               // outputs whose pixel lies within the image
};

Row row_of(const ImageShape& s, Index row) {
  const Window& window = s.window;
  const Index q = row % window.kernel_w, p = row / window.kernel_w % window.kernel_h;
  const Index c = row / (window.kernel_w * window.kernel_h);
  const Index offset_h = p - window.padding_h, offset_w = q - window.padding_w;
  return {c * s.h * s.w, offset_h, offset_w, inside(s.output_h, s.h, window.stride_h, offset_h),
          inside(s.output_w, s.w, window.stride_w, offset_w)};
}

}  // namespace

void im2col(float* columns, const float* x, const ImageShape& s, Index begin, Index end) {
  const Index stride = s.window.stride_w;
  for (Index r = begin; r < end; ++r) {
    const Row row = row_of(s, r);
    for (Index i = 0; i < s.output_h; ++i, columns += s.output_w) {
      if (i < row.i.begin || i >= row.i.end) {
        std::fill_n(columns, s.output_w, 0.0F);
        continue;
      }
      const float* from = x + row.image + (i * s.window.stride_h + row.offset_h) * s.w + row.offset_w;
      std::fill(columns, columns + row.j.begin, 0.0F);
      if (stride == 1)
        std::copy(from + row.j.begin, from + row.j.end, columns + row.j.begin);
      else
        for (Index j = row.j.begin; j < row.j.end; ++j) columns[j] = from[j * stride];
      std::fill(columns + row.j.end, columns + s.output_w, 0.0F);
    }
  }
}

void col2im(float* dx, const float* columns, const ImageShape& s) {
  std::fill_n(dx, s.channels * s.h * s.w, 0.0F);
  const Index stride = s.window.stride_w;
  for (Index r = 0; r < s.patch(); ++r, columns += s.places()) {
    const Row row = row_of(s, r);
    for (Index i = row.i.begin; i < row.i.end; ++i) {
      float* to = dx + row.image + (i * s.window.stride_h + row.offset_h) * s.w + row.offset_w;
      const float* from = columns + i * s.output_w;
      if (stride == 1)
        for (Index j = row.j.begin; j < row.j.end; ++j) to[j] += from[j];
      else
        for (Index j = row.j.begin; j < row.j.end; ++j) to[j * stride] += from[j];
    }
  }
}

}  // namespace bellman::cpu
