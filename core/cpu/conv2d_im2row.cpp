// The plain path of conv2d, against which the other one (conv2d.cpp) is tested and timed: every patch is written out as a row,
// and a product of matrices does the rest.
#include <algorithm>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/products/im2row.h"
#include "core/cpu/products/matrix.h"
#include "core/cpu/thread_pool.h"

namespace bellman {
namespace cpu {
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

}  // namespace cpu

namespace {

using cpu::ImageShape;
using cpu::row_major;

// Columns of dw, about, that a thread computes.
constexpr Index kColumnsAChunk = 64;

/// The patches of an image, on lines of 64 bytes, so that threads do not share one.
Index scratch_a_thread(const ImageShape& image) { return (image.patch() * image.places() + 15) / 16 * 16; }

/// Sample n of t(B, ...): its first number.
template <class T>
T* sample(TensorView<T> t, Index n) {
  return t.data() + n * t[1] * t[2] * t[3];
}

}  // namespace

Index CpuBackend::im2row_scratch(const ImageShape& image) const {
  return threads() * scratch_a_thread(image);
}

// With K = C KH KW numbers in a patch and P = OH OW places, sample n is a dense layer of P rows, transposed:
//   y[n](O,P)^T = patches[n](P,K) w(O,K)^T + b(O)
void CpuBackend::im2row_forward(Out y, In x, In w, In b, const ImageShape& image, Out scratch) {
  const Index O = w[0], K = image.patch(), P = image.places();
  cpu::for_each_chunk(pool_, x[0], cpu::samples_a_chunk(image.patch() * image.places() * O),
                      [&](Index begin, Index samples, int worker) {
                        float* patches = scratch.data() + worker * scratch_a_thread(image);
                        for (Index n = begin; n < begin + samples; ++n) {
                          cpu::im2row(patches, sample(x, n), image, 0, image.runs());
                          gemm_(row_major(sample(y, n), O, P).transposed(),
                                row_major<const float>(patches, P, K), row_major(w.data(), O, K).transposed(),
                                {.accumulate = false, .bias = b.data()});
                        }
                      });
}

// As in a dense layer,
//   dw(O,K) += sum_n dy[n](O,P) patches[n](P,K)      db(O) += sum_{n,P} dy[n](O,P)
//   dpatches[n](P,K) = dy[n](O,P)^T w(O,K)
// and each pixel of dx[n] sums its gradients from all patches.
// For dw a thread takes some columns of w, and the samples in their order: one sum, in one order.
void CpuBackend::im2row_backward(Out dx, Out dw, Out db, In dy, In x, In w, const ImageShape& image,
                                 Out scratch) {
  const Index B = x[0], O = w[0], K = image.patch(), P = image.places(), KW = image.window.kernel_w;
  const auto patches_of = [&](int worker) { return scratch.data() + worker * scratch_a_thread(image); };

  pool_.run(1, [&](Index, int) {
    for (Index n = 0; n < B; ++n)
      for (Index o = 0; o < O; ++o) db.data()[o] += cpu::sum(sample(dy, n) + o * P, P);
  });

  const bool small = B * O * K * P < cpu::kSmallProduct;
  const Index runs_a_chunk = small ? image.runs() : std::max(Index{1}, kColumnsAChunk / KW);
  cpu::for_each_chunk(pool_, image.runs(), runs_a_chunk, [&](Index begin, Index runs, int worker) {
    const cpu::Matrix<float> dw_columns = row_major(dw.data(), O, K).block(0, begin * KW, O, runs * KW);
    for (Index n = 0; n < B; ++n) {
      cpu::im2row(patches_of(worker), sample(x, n), image, begin, begin + runs);
      gemm_(dw_columns, row_major(sample(dy, n), O, P),
            row_major<const float>(patches_of(worker), P, runs * KW), {.accumulate = true, .bias = nullptr});
    }
  });

  if (!dx) return;
  cpu::for_each_chunk(pool_, B, cpu::samples_a_chunk(image.patch() * image.places() * O),
                      [&](Index begin, Index samples, int worker) {
                        for (Index n = begin; n < begin + samples; ++n) {
                          gemm_(row_major(patches_of(worker), P, K),
                                row_major(sample(dy, n), O, P).transposed(), row_major(w.data(), O, K), {});
                          cpu::row2im(sample(dx, n), patches_of(worker), image);
                        }
                      });
}

}  // namespace bellman
