#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/im2col.h"
#include "core/cpu/sums.h"
#include "core/op_shapes.h"

namespace bellman {
namespace {

using cpu::ImageShape;
using cpu::row_major;

// Rows of the patches that a thread takes when it computes dw.
constexpr Index kRowsAChunk = 64;

ImageShape image_shape(const Shape& x, const Window& window) {
  return {x[1], x[2], x[3], window.output_h(x[2]), window.output_w(x[3]), window};
}

/// The patches of an image, on lines of 64 bytes, so that threads do not share one.
Index scratch_a_thread(const ImageShape& image) { return (image.patch() * image.places() + 15) / 16 * 16; }

/// Samples that make a product worth a thread of its own.
Index samples_a_chunk(const ImageShape& image, Index output_channels) {
  const Index work = image.patch() * image.places() * output_channels;
  return std::max(Index{1}, cpu::kSmallProduct / std::max(Index{1}, work));
}

/// Sample n of t(B, ...): its first number.
template <class T>
T* sample(TensorView<T> t, Index n) {
  return t.data() + n * t[1] * t[2] * t[3];
}

}  // namespace

Index CpuBackend::conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
  checked_conv2d_output("conv2d_scratch", x, w, window);
  return threads() * scratch_a_thread(image_shape(x, window));
}

// With K = C KH KW numbers in a patch and P = OH OW places, sample n is y[n](O,P) = w(O,K) columns[n](K,P) +
// b.
void CpuBackend::conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) {
  check_conv2d_forward(y, x, w, b, window, scratch, conv2d_scratch(x.shape(), w.shape(), window));
  const ImageShape image = image_shape(x.shape(), window);
  const Index O = w[0], K = image.patch(), P = image.places();
  const Index samples = samples_a_chunk(image, O);
  pool_.run((x[0] + samples - 1) / samples, [&](Index chunk, int worker) {
    float* columns = scratch.data() + worker * scratch_a_thread(image);
    for (Index n = chunk * samples; n < std::min(x[0], (chunk + 1) * samples); ++n) {
      cpu::im2col(columns, sample(x, n), image, 0, K);
      float* y_n = sample(y, n);
      for (Index o = 0; o < O; ++o) std::fill_n(y_n + o * P, P, b.data()[o]);
      gemm_(row_major(y_n, O, P), row_major(w.data(), O, K), row_major<const float>(columns, K, P),
            {.accumulate = true, .bias = nullptr});
    }
  });
}

// y[n] = w columns[n] + b as matrices, as in a dense layer, so
//   dw(O,K) += sum_n dy[n](O,P) columns[n](K,P)^T      db(O) += sum_{n,P} dy[n](O,P)
//   dcolumns[n](K,P) = w(O,K)^T dy[n](O,P), and dx[n] adds up what its pixels gave to several patches:
//   col2im.
// For dw a thread takes some columns of w, and the samples in their order: one sum, in one order.
void CpuBackend::conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                 Out scratch) {
  check_conv2d_backward(dx, dw, db, dy, x, w, window, scratch, conv2d_scratch(x.shape(), w.shape(), window));
  const ImageShape image = image_shape(x.shape(), window);
  const Index B = x[0], O = w[0], K = image.patch(), P = image.places();
  const auto columns_of = [&](int worker) { return scratch.data() + worker * scratch_a_thread(image); };

  pool_.run(1, [&](Index, int) {
    for (Index n = 0; n < B; ++n)
      for (Index o = 0; o < O; ++o) db.data()[o] += cpu::sum(sample(dy, n) + o * P, P);
  });

  const Index rows = B * O * K * P < cpu::kSmallProduct ? K : kRowsAChunk;
  pool_.run((K + rows - 1) / rows, [&](Index chunk, int worker) {
    const Index begin = chunk * rows, count = std::min(rows, K - begin);
    for (Index n = 0; n < B; ++n) {
      cpu::im2col(columns_of(worker), sample(x, n), image, begin, begin + count);
      gemm_(row_major(dw.data(), O, K).block(0, begin, O, count), row_major(sample(dy, n), O, P),
            row_major<const float>(columns_of(worker), count, P).transposed(),
            {.accumulate = true, .bias = nullptr});
    }
  });

  if (!dx) return;
  const Index samples = samples_a_chunk(image, O);
  pool_.run((B + samples - 1) / samples, [&](Index chunk, int worker) {
    for (Index n = chunk * samples; n < std::min(B, (chunk + 1) * samples); ++n) {
      gemm_(row_major(columns_of(worker), K, P), row_major(w.data(), O, K).transposed(),
            row_major(sample(dy, n), O, P), {});
      cpu::col2im(sample(dx, n), columns_of(worker), image);
    }
  });
}

}  // namespace bellman
