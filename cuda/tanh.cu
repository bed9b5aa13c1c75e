// The hyperbolic tangent: y = tanh(x); dx = dy (1 - y^2).

#include <cmath>

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Tanh {
  __device__ void operator()(float& y, const float& x) const { y = tanhf(x); }
};

struct TanhSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = dy * (1 - y * y); }
};

}  // namespace

void tanh_forward(Stream& stream, Out y, In x) {
  for_each_element(stream, x.elements(), Tanh{}, Write{y.data()}, Read{x.data()});
}

void tanh_backward(Stream& stream, Out dx, In dy, In y) {
  for_each_element(stream, y.elements(), TanhSlope{}, Write{dx.data()}, Read{dy.data()}, Read{y.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
