#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"

namespace bellman {
namespace {

/// to[i] = f(from[i]), i < n, as a loop that the compiler makes vectors of: a choice in f, no branch.
template <class F>
void loop(float* __restrict to, const float* __restrict from, Index n, F f) {
  for (Index i = 0; i < n; ++i) to[i] = f(from[i]);
}

/// to[i] = f(from[i], kept[i]). Both are read in any case: no branch.
template <class F>
void loop(float* __restrict to, const float* __restrict from, const float* __restrict kept, Index n, F f) {
  for (Index i = 0; i < n; ++i) {
    const float d = from[i];
    to[i] = f(d, kept[i]);
  }
}

}  // namespace

// core/reference/activations.h, shared out over threads: an array of Eigen's where it has the function, else
// a loop.

void CpuBackend::do_activation_forward(Out y, In x, Activation f) {
  const auto each = [&](Index chunk, auto of_chunk) {
    cpu::for_each_chunk(pool_, y.elements(), chunk, of_chunk);
  };
  const auto loops = [&](auto function) {
    each(cpu::kCheapElements,
         [&](Index begin, Index n) { loop(y.data() + begin, x.data() + begin, n, function); });
  };
  const auto arrays = [&](auto function) {
    each(cpu::kCostlyElements,
         [&](Index begin, Index n) { cpu::elements(y, begin, n) = function(cpu::elements(x, begin, n)); });
  };
  const auto slope = static_cast<float>(f.parameter);
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return loops([](float v) { return v > 0 ? v : 0; });
    case Activation::kLeakyRelu:
      return loops([=](float v) { return v > 0 ? v : slope * v; });
    case Activation::kTanh:
      return arrays([](const auto& v) { return v.tanh(); });
    case Activation::kSigmoid:
      return arrays([](const auto& v) { return 1 / (1 + (-v).exp()); });
  }
}

void CpuBackend::do_activation_backward(Out dx, In dy, In kept, Activation f) {
  const auto loops = [&](auto function) {
    cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
      loop(dx.data() + begin, dy.data() + begin, kept.data() + begin, n, function);
    });
  };
  const auto arrays = [&](auto function) {
    cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
      cpu::elements(dx, begin, n) = function(cpu::elements(dy, begin, n), cpu::elements(kept, begin, n));
    });
  };
  const auto slope = static_cast<float>(f.parameter);
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return loops([](float d, float y) { return y > 0 ? d : 0; });
    case Activation::kLeakyRelu:
      return loops([=](float d, float x) { return x > 0 ? d : slope * d; });
    case Activation::kTanh:
      return arrays([](const auto& d, const auto& y) { return d * (1 - y.square()); });
    case Activation::kSigmoid:
      return arrays([](const auto& d, const auto& y) { return d * y * (1 - y); });
  }
}

}  // namespace bellman
