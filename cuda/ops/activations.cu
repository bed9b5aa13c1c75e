// Activations, element by element (core/reference/activations.h).

#include <cmath>

#include "cuda/backend/cuda_backend.h"
#include "cuda/ops/activation.cuh"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// sigmoid(x) and its slope, from exp(-|x|), so that neither tail cancels.
struct Logistic {
  float value, slope;
  __device__ explicit Logistic(float x) {
    const float e = expf(-fabsf(x)), share = 1 / (1 + e);
    value = x < 0 ? e * share : share;
    slope = e * share * share;
  }
};

// Each has value(x) = f(x), and slope(dy, kept) = dy f'(x), from the kept x or y (core/ops/op_options.h).

struct Relu {
  __device__ float value(float x) const { return relu(x); }
  __device__ float slope(float dy, float y) const { return y > 0 ? dy : 0; }
};
struct LeakyRelu {
  float factor;
  __device__ float value(float x) const { return x > 0 ? x : factor * x; }
  __device__ float slope(float dy, float x) const { return x > 0 ? dy : factor * dy; }
};
struct Tanh {
  __device__ float value(float x) const { return tanhf(x); }
  __device__ float slope(float dy, float y) const { return dy * (1 - y * y); }
};
struct Sigmoid {
  __device__ float value(float x) const { return sigmoid(x); }
  __device__ float slope(float dy, float y) const { return dy * y * (1 - y); }
};

constexpr float kRootHalf = 0.707106781186547524F, kInverseRootTwoPi = 0.398942280401432678F;
struct Gelu {
  __device__ float value(float x) const { return 0.5F * x * erfcf(-x * kRootHalf); }
  __device__ float slope(float dy, float x) const {
    const float distribution = 0.5F * erfcf(-x * kRootHalf);
    return dy * (distribution + x * kInverseRootTwoPi * expf(-0.5F * x * x));
  }
};

constexpr float kGeluRate = 0.797884560802865356F, kGeluCubic = 0.044715F;  // sqrt(2 / pi)
__device__ float gelu_argument(float x) { return kGeluRate * (x + kGeluCubic * x * x * x); }
/// x sigmoid(2 u), u being the argument.
struct GeluTanh {
  __device__ float value(float x) const { return x * sigmoid(2 * gelu_argument(x)); }
  __device__ float slope(float dy, float x) const {
    const Logistic share(2 * gelu_argument(x));
    return dy * (share.value + x * share.slope * 2 * kGeluRate * (1 + 3 * kGeluCubic * x * x));
  }
};

struct Silu {
  __device__ float value(float x) const { return x / (1 + expf(-x)); }
  __device__ float slope(float dy, float x) const {
    const Logistic share(x);
    return dy * (share.value + x * share.slope);
  }
};

/// visit(the function), unless it is none.
template <class Visit>
void with_function(Activation f, const Visit& visit) {
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return visit(Relu{});
    case Activation::kLeakyRelu:
      return visit(LeakyRelu{static_cast<float>(f.parameter)});
    case Activation::kTanh:
      return visit(Tanh{});
    case Activation::kSigmoid:
      return visit(Sigmoid{});
    case Activation::kGelu:
      return visit(Gelu{});
    case Activation::kGeluTanh:
      return visit(GeluTanh{});
    case Activation::kSilu:
      return visit(Silu{});
  }
}

template <class Function>
struct Forward {
  Function function;
  __device__ void operator()(float& y, const float& x) const { y = function.value(x); }
};
template <class Function>
struct Backward {
  Function function;
  __device__ void operator()(float& dx, const float& dy, const float& kept) const {
    dx = function.slope(dy, kept);
  }
};

}  // namespace

void CudaBackend::do_activation_forward(Out y, In x, Activation f) {
  with_function(f, [&]<class Function>(const Function& function) {
    for_each_element(stream_, x.elements(), Forward<Function>{function}, Write{y.data()}, Read{x.data()});
  });
}

void CudaBackend::do_activation_backward(Out dx, In dy, In kept, Activation f) {
  with_function(f, [&]<class Function>(const Function& function) {
    for_each_element(stream_, kept.elements(), Backward<Function>{function}, Write{dx.data()},
                     Read{dy.data()}, Read{kept.data()});
  });
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
