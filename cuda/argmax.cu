// The greedy action: a thread a row.

#include "cuda/argmax.cuh"

#include "cuda/checked_int.h"
#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

__global__ void __launch_bounds__(kRowThreads)
    argmax_kernel(std::int32_t* action, const float* q, Index B, int A) {
  const Index n = row_of_thread();
  if (n < B) action[n] = argmax_of_row(q, n, A);
}

}  // namespace

void argmax(Stream& stream, IntTensor action, In q) {
  if (q[0] == 0) return;
  const ThreadPerRow size(q[0]);
  launch(stream, argmax_kernel, size.grid, size.block, 0, action.data(), q.data(), q[0],
         checked_int("argmax", "the number of actions", q[1]));
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
