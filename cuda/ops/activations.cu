// The functions of layers, element by element (core/reference/activations.h).

#include <cmath>

#include "cuda/backend/cuda_backend.h"
#include "cuda/ops/activation.cuh"
#include "cuda/ops/elementwise.cuh"

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

constexpr float kRootHalf = 0.707106781186547524F, kInverseRootTwoPi = 0.398942280401432678F;
struct Gelu {
  __device__ void operator()(float& y, const float& x) const { y = 0.5F * x * erfcf(-x * kRootHalf); }
};

constexpr float kGeluRate = 0.797884560802865356F, kGeluCubic = 0.044715F;  // sqrt(2 / pi)
__device__ float gelu_argument(float x) { return kGeluRate * (x + kGeluCubic * x * x * x); }
struct GeluTanh {
  __device__ void operator()(float& y, const float& x) const { y = x * sigmoid(2 * gelu_argument(x)); }
};

struct Silu {
  __device__ void operator()(float& y, const float& x) const { y = x / (1 + expf(-x)); }
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
struct GeluSlope {
  __device__ void operator()(float& dx, const float& dy, const float& x) const {
    const float distribution = 0.5F * erfcf(-x * kRootHalf);
    dx = dy * (distribution + x * kInverseRootTwoPi * expf(-0.5F * x * x));
  }
};
/// sigmoid(x) and its slope, from exp(-|x|), so that neither tail cancels.
struct Logistic {
  float value, slope;
  __device__ explicit Logistic(float x) {
    const float e = expf(-fabsf(x)), share = 1 / (1 + e);
    value = x < 0 ? e * share : share;
    slope = e * share * share;
  }
};
/// gelu_tanh is x sigmoid(2 u).
struct GeluTanhSlope {
  __device__ void operator()(float& dx, const float& dy, const float& x) const {
    const Logistic share(2 * gelu_argument(x));
    dx = dy * (share.value + x * share.slope * 2 * kGeluRate * (1 + 3 * kGeluCubic * x * x));
  }
};
struct SiluSlope {
  __device__ void operator()(float& dx, const float& dy, const float& x) const {
    const Logistic share(x);
    dx = dy * (share.value + x * share.slope);
  }
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
    case Activation::kGelu:
      return each(Gelu{});
    case Activation::kGeluTanh:
      return each(GeluTanh{});
    case Activation::kSilu:
      return each(Silu{});
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
    case Activation::kGelu:
      return each(GeluSlope{});
    case Activation::kGeluTanh:
      return each(GeluTanhSlope{});
    case Activation::kSilu:
      return each(SiluSlope{});
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
