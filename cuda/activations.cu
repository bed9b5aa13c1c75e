// The functions of layers, element by element (core/reference/activations.h).

#include <cmath>

#include "cuda/activation.cuh"
#include "cuda/cuda_backend.h"
#include "cuda/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

// ---- y = f(x)

struct Relu {
  __device__ void operator()(float& y, const float& x) const { y = relu(x); }
};
struct LeakyRelu {
  float slope;
  __device__ void operator()(float& y, const float& x) const { y = x > 0 ? x : slope * x; }
};
struct Tanh {
  __device__ void operator()(float& y, const float& x) const { y = tanhf(x); }
};
struct Sigmoid {
  __device__ void operator()(float& y, const float& x) const { y = sigmoid(x); }
};

// ---- dx, from dy and what was kept

struct ReluSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = y > 0 ? dy : 0; }
};
struct LeakyReluSlope {
  float slope;
  __device__ void operator()(float& dx, const float& dy, const float& x) const {
    dx = x > 0 ? dy : slope * dy;
  }
};
struct TanhSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = dy * (1 - y * y); }
};
struct SigmoidSlope {
  __device__ void operator()(float& dx, const float& dy, const float& y) const { dx = dy * y * (1 - y); }
};

}  // namespace

void CudaBackend::do_activation_forward(Out y, In x, Activation f) {
  const auto each = [&](const auto& function) {
    for_each_element(stream_, x.elements(), function, Write{y.data()}, Read{x.data()});
  };
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return each(Relu{});
    case Activation::kLeakyRelu:
      return each(LeakyRelu{static_cast<float>(f.parameter)});
    case Activation::kTanh:
      return each(Tanh{});
    case Activation::kSigmoid:
      return each(Sigmoid{});
  }
}

void CudaBackend::do_activation_backward(Out dx, In dy, In kept, Activation f) {
  const auto each = [&](const auto& function) {
    for_each_element(stream_, kept.elements(), function, Write{dx.data()}, Read{dy.data()},
                     Read{kept.data()});
  };
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return each(ReluSlope{});
    case Activation::kLeakyRelu:
      return each(LeakyReluSlope{static_cast<float>(f.parameter)});
    case Activation::kTanh:
      return each(TanhSlope{});
    case Activation::kSigmoid:
      return each(SigmoidSlope{});
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
