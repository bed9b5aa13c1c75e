// The logistic sigmoid: y = 1 / (1 + exp(-x)), which is 0 where exp(-x) overflows; dx = dy y (1 - y).

#include <cmath>

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Sigmoid {
  __device__ void operator()(float& y, const float& x) const { y = 1 / (1 + expf(-x)); }
};

struct SigmoidSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = dy * y * (1 - y); }
};

}  // namespace

void sigmoid_forward(Stream& stream, Out y, In x) {
  for_each_element(stream, x.elements(), Sigmoid{}, Write{y.data()}, Read{x.data()});
}

void sigmoid_backward(Stream& stream, Out dx, In dy, In y) {
  for_each_element(stream, y.elements(), SigmoidSlope{}, Write{dx.data()}, Read{dy.data()}, Read{y.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
