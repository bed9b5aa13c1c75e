// The plain path of conv2d, which the other one (conv2d.cpp) is tested and timed beside: every patch is
// written out as a row, and a product of matrices does the rest.
#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/products/im2row.h"
#include "core/cpu/sums.h"

namespace bellman {
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
