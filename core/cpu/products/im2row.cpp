#include "core/cpu/products/im2row.h"

#include <algorithm>

namespace bellman::cpu {
namespace {

/// The length of a run: known when compiled for the usual kernels, so that a run is a few moves.
template <int kLength>
void copy_run(float* __restrict to, const float* __restrict from, Index length) {
  for (Index i = 0; i < (kLength ? Index{kLength} : length); ++i) to[i] = from[i];
}

template <int kLength>
void add_run(float* __restrict to, const float* __restrict from, Index length) {
  for (Index i = 0; i < (kLength ? Index{kLength} : length); ++i) to[i] += from[i];
}

/// Where the patch of one output lies.
struct Patch {
  Index top, left;    // of its first pixel; outside the image where there is padding
  Index first, last;  // its columns that lie within the image

  Patch(const ImageShape& s, Index i, Index j)
      : top(i * s.window.stride_h - s.window.padding_h),
        left(j * s.window.stride_w - s.window.padding_w),
        first(std::clamp(-left, Index{0}, s.window.kernel_w)),
        last(std::clamp(s.w - left, first, s.window.kernel_w)) {}

  bool row_inside(const ImageShape& s, Index p) const { return top + p >= 0 && top + p < s.h; }
  bool inside(const ImageShape& s) const {
    return top >= 0 && top + s.window.kernel_h <= s.h && first == 0 && last == s.window.kernel_w;
  }
};

/// f(c, p) for the runs begin .. end.
template <class F>
void for_each_run(const ImageShape& s, Index begin, Index end, F f) {
  Index c = begin / s.window.kernel_h, p = begin % s.window.kernel_h;
  for (Index run = begin; run < end; ++run) {
    f(c, p);
    if (++p == s.window.kernel_h) {
      p = 0;
      ++c;
    }
  }
}

template <int kLength>
void im2row_of(float* rows, const float* x, const ImageShape& s, Index begin, Index end) {
  const Index length = s.window.kernel_w;
  for (Index i = 0; i < s.output_h; ++i)
    for (Index j = 0; j < s.output_w; ++j) {
      const Patch patch(s, i, j);
      const Index corner = patch.top * s.w + patch.left;
      if (patch.inside(s)) {
        for_each_run(s, begin, end, [&](Index c, Index p) {
          copy_run<kLength>(rows, x + (c * s.h + p) * s.w + corner, length);
          rows += length;
        });
        continue;
      }
      for_each_run(s, begin, end, [&](Index c, Index p) {
        std::fill_n(rows, length, 0.0F);
        if (patch.row_inside(s, p))
          copy_run<0>(rows + patch.first, x + (c * s.h + p) * s.w + corner + patch.first,
                      patch.last - patch.first);
        rows += length;
      });
    }
}

template <int kLength>
void row2im_of(float* dx, const float* rows, const ImageShape& s) {
  const Index length = s.window.kernel_w;
  std::fill_n(dx, s.channels * s.h * s.w, 0.0F);
  for (Index i = 0; i < s.output_h; ++i)
    for (Index j = 0; j < s.output_w; ++j) {
      const Patch patch(s, i, j);
      const Index corner = patch.top * s.w + patch.left;
      if (patch.inside(s)) {
        for_each_run(s, 0, s.runs(), [&](Index c, Index p) {
          add_run<kLength>(dx + (c * s.h + p) * s.w + corner, rows, length);
          rows += length;
        });
        continue;
      }
      for_each_run(s, 0, s.runs(), [&](Index c, Index p) {
        if (patch.row_inside(s, p))
          add_run<0>(dx + (c * s.h + p) * s.w + corner + patch.first, rows + patch.first,
                     patch.last - patch.first);
        rows += length;
      });
    }
}

}  // namespace

void im2row(float* rows, const float* x, const ImageShape& s, Index begin, Index end) {
  switch (s.window.kernel_w) {
    case 2:
      return im2row_of<2>(rows, x, s, begin, end);
    case 3:
      return im2row_of<3>(rows, x, s, begin, end);
    case 4:
      return im2row_of<4>(rows, x, s, begin, end);
    case 5:
      return im2row_of<5>(rows, x, s, begin, end);
    case 8:
      return im2row_of<8>(rows, x, s, begin, end);
    default:
      return im2row_of<0>(rows, x, s, begin, end);
  }
}

void row2im(float* dx, const float* rows, const ImageShape& s) {
  switch (s.window.kernel_w) {
    case 2:
      return row2im_of<2>(dx, rows, s);
    case 3:
      return row2im_of<3>(dx, rows, s);
    case 4:
      return row2im_of<4>(dx, rows, s);
    case 5:
      return row2im_of<5>(dx, rows, s);
    case 8:
      return row2im_of<8>(dx, rows, s);
    default:
      return row2im_of<0>(dx, rows, s);
  }
}

}  // namespace bellman::cpu
