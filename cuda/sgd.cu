// Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), in
// PyTorch's form (core/reference/sgd.h):
//   velocity <- momentum velocity + (1 - dampening) g, at step 1 velocity <- g
//   p <- p - learning_rate u,   u = g, velocity, or with Nesterov's g + momentum velocity

#include "cuda/elementwise.cuh"
#include "cuda/guard.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Sgd {
  float learning_rate, weight_decay;

  __device__ void prepare(std::int32_t) {}
  __device__ void operator()(float& p, const float& g) const { p -= learning_rate * (g + weight_decay * p); }
};

struct SgdMomentum {
  float learning_rate, weight_decay, momentum, one_minus_dampening;
  Index step;
  bool nesterov;

  __device__ void prepare(std::int32_t skipped) { step -= skipped; }
  __device__ void operator()(float& p, float& velocity, const float& g) const {
    const float gradient = g + weight_decay * p;
    velocity = step == 1 ? gradient : momentum * velocity + one_minus_dampening * gradient;
    p -= learning_rate * (nesterov ? gradient + momentum * velocity : velocity);
  }
};

}  // namespace

void sgd_step(Stream& stream, Out p, Out velocity, In g, float learning_rate, Index step,
              const SgdOptions& options, IntTensor guard) {
  const float decay = float(options.weight_decay);
  if (!velocity) {
    optimizer_step(stream, guard, p.elements(), Sgd{learning_rate, decay}, Update{p.data()}, Read{g.data()});
    return;
  }
  const SgdMomentum momentum = {
      learning_rate, decay, float(options.momentum), float(1 - options.dampening), step, options.nesterov};
  optimizer_step(stream, guard, p.elements(), momentum, Update{p.data()}, Update{velocity.data()},
                 Read{g.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
