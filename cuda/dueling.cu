// The dueling head (Wang et al. 2016, eq. 9), a thread a row: q = v + a - mean of a. Backwards (derived in
// core/reference/dueling.h): dv = sum of dq, da = dq - mean of dq.

#include "cuda/checked_int.h"
#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

__device__ float sum_of(const float* row, int A) {
  float sum = 0;
  for (int k = 0; k < A; ++k) sum += row[k];
  return sum;
}

/// q(B,A), v(B,1), a(B,A).
__global__ void __launch_bounds__(kRowThreads)
    dueling_forward_kernel(float* q, const float* v, const float* a, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const float mean = sum_of(a + n * A, A) / static_cast<float>(A);
  for (int k = 0; k < A; ++k) q[n * A + k] = v[n] + a[n * A + k] - mean;
}

__global__ void __launch_bounds__(kRowThreads)
    dueling_backward_kernel(float* dv, float* da, const float* dq, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const float sum = sum_of(dq + n * A, A);
  dv[n] = sum;
  for (int k = 0; k < A; ++k) da[n * A + k] = dq[n * A + k] - sum / static_cast<float>(A);
}

}  // namespace

void dueling_forward(Stream& stream, Out q, In v, In a) {
  if (a[0] == 0) return;
  const ThreadPerRow size(a[0]);
  launch(stream, dueling_forward_kernel, size.grid, size.block, 0, q.data(), v.data(), a.data(), a[0],
         checked_int("dueling_forward", "the number of actions", a[1]));
}

void dueling_backward(Stream& stream, Out dv, Out da, In dq) {
  if (dq[0] == 0) return;
  const ThreadPerRow size(dq[0]);
  launch(stream, dueling_backward_kernel, size.grid, size.block, 0, dv.data(), da.data(), dq.data(), dq[0],
         checked_int("dueling_backward", "the number of actions", dq[1]));
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
