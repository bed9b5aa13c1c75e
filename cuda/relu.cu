// The rectifier (Nair & Hinton 2010): y = x where x > 0, else 0; dx = dy [y > 0]. A NaN is not above 0 and
// becomes 0, as in the definition (core/reference/relu.h).

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Relu {
  __device__ void operator()(float& y, const float& x) const { y = x > 0 ? x : 0; }
};

struct ReluSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = y > 0 ? dy : 0; }
};

}  // namespace

void relu_forward(Stream& stream, Out y, In x) {
  for_each_element(stream, x.elements(), Relu{}, Write{y.data()}, Read{x.data()});
}

void relu_backward(Stream& stream, Out dx, In dy, In y) {
  for_each_element(stream, y.elements(), ReluSlope{}, Write{dx.data()}, Read{dy.data()}, Read{y.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
