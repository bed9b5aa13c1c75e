// The target network follows the online network: target <- tau online + (1 - tau) target (Lillicrap et al.
// 2016, algorithm 1).

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Blend {
  float tau;
  __device__ void operator()(float& target, const float& online) const {
    target = tau * online + (1 - tau) * target;
  }
};

/// tau = 1: what target held, NaN too, is gone.
struct Copy {
  __device__ void operator()(float& target, const float& online) const { target = online; }
};

}  // namespace

void polyak_update(Stream& stream, Out target, In online, float tau) {
  const Index n = target.elements();
  if (tau == 1)
    for_each_element(stream, n, Copy{}, Write{target.data()}, Read{online.data()});
  else
    for_each_element(stream, n, Blend{tau}, Update{target.data()}, Read{online.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
