// The leaky rectifier (Maas et al. 2013): y = x where x > 0, else slope x; dx = dy, or slope dy.

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct LeakyRelu {
  float slope;
  __device__ void operator()(float& y, const float& x) const { y = x > 0 ? x : slope * x; }
};

struct LeakyReluSlope {
  float slope;
  __device__ void operator()(float& dx, const float& dy, const float& x) const {
    dx = x > 0 ? dy : slope * dy;
  }
};

}  // namespace

void leaky_relu_forward(Stream& stream, Out y, In x, float slope) {
  for_each_element(stream, x.elements(), LeakyRelu{slope}, Write{y.data()}, Read{x.data()});
}

void leaky_relu_backward(Stream& stream, Out dx, In dy, In x, float slope) {
  for_each_element(stream, x.elements(), LeakyReluSlope{slope}, Write{dx.data()}, Read{dy.data()},
                   Read{x.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
