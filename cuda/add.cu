// y += x.

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Add {
  __device__ void operator()(float& y, const float& x) const { y += x; }
};

}  // namespace

void add(Stream& stream, Out y, In x) {
  for_each_element(stream, y.elements(), Add{}, Update{y.data()}, Read{x.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
