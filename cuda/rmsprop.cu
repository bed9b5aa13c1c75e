// RMSprop (Hinton 2012, lecture 6e), centred (Graves 2013, eq. 38 to 41) and with momentum, in PyTorch's
// order of terms (core/reference/rmsprop.h):
//   square <- alpha square + (1 - alpha) g^2      mean <- alpha mean + (1 - alpha) g
//   velocity <- momentum velocity + g / (sqrt(square - mean^2) + epsilon)      p <- p - learning_rate
//   velocity
// with epsilon_in_root g / sqrt(square - mean^2 + epsilon).

#include <cmath>

#include "cuda/elementwise.cuh"
#include "cuda/guard.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

template <bool kCentered, bool kMomentum>
struct RmsProp {
  float alpha, one_minus_alpha, epsilon_in_root, epsilon_beside, momentum, weight_decay, learning_rate;

  __device__ void prepare(std::int32_t) {}
  __device__ void operator()(float& p, float& square, float& mean, float& velocity, const float& g) const {
    const float gradient = g + weight_decay * p;
    square = alpha * square + one_minus_alpha * gradient * gradient;
    float variance = square;
    if constexpr (kCentered) {
      mean = alpha * mean + one_minus_alpha * gradient;
      variance -= mean * mean;
      variance = variance < 0 ? 0 : variance;  // by rounding; a NaN stays one
    }
    // One of the two is 0, and changes no bit.
    float update = gradient / (sqrtf(variance + epsilon_in_root) + epsilon_beside);
    if constexpr (kMomentum) update = velocity = momentum * velocity + update;
    p -= learning_rate * update;
  }
};

}  // namespace

void rmsprop_step(Stream& stream, Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                  const RmsPropOptions& options, IntTensor guard) {
  const auto epsilon = float(options.epsilon);
  const float in_root = options.epsilon_in_root ? epsilon : 0, beside = options.epsilon_in_root ? 0 : epsilon;
  const auto run = [&]<bool kCentered, bool kMomentum>(auto means, auto velocities) {
    const RmsProp<kCentered, kMomentum> step = {
        float(options.alpha),    float(1 - options.alpha),    in_root,      beside,
        float(options.momentum), float(options.weight_decay), learning_rate};
    optimizer_step(stream, guard, p.elements(), step, Update{p.data()}, Update{square.data()}, means,
                   velocities, Read{g.data()});
  };
  const Update means = {mean.data()}, velocities = {velocity.data()};
  if (mean && velocity) return run.operator()<true, true>(means, velocities);
  if (mean) return run.operator()<true, false>(means, Absent{});
  if (velocity) return run.operator()<false, true>(Absent{}, velocities);
  run.operator()<false, false>(Absent{}, Absent{});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
