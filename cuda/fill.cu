// x = value.

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Fill {
  float value;
  __device__ void operator()(float& x) const { x = value; }
};

}  // namespace

void fill(Stream& stream, Out x, float value) {
  for_each_element(stream, x.elements(), Fill{value}, Write{x.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
