#include <algorithm>
#include <numbers>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/thread_pool.h"

namespace bellman {
namespace {

/// to[i] = f(from[i]), i < n, as a loop that the compiler vectorises: a choice in f, no branch.
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

// ---- functions with intermediate values that are used twice: a piece at a time, on the stack

constexpr Index kPiece = 64;
using Piece = Eigen::Array<float, Eigen::Dynamic, 1, Eigen::ColMajor, kPiece, 1>;

/// The standard normal distribution at x, and x times its density. With z = |x| / sqrt 2, erfc(z) = P(t)
/// exp(-z^2), t = 1 / (1 + 0.3275911 z), to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26).
struct Normal {
  Piece distribution, x_times_density;
  explicit Normal(const Piece& x) {
    const Piece bell = (x.square() * -0.5F).exp();
    const Piece t = 1 / (1 + x.abs() * (0.3275911F / std::numbers::sqrt2_v<float>));
    const Piece tail =
        ((((1.061405429F * t - 1.453152027F) * t + 1.421413741F) * t - 0.284496736F) * t + 0.254829592F) * t *
        bell * 0.5F;
    distribution = (x < 0).select(tail, 1 - tail);
    x_times_density = x * bell * (std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>);
  }
};

/// sigmoid(x) and its slope, from exp(-|x|), so that neither tail cancels.
struct Logistic {
  Piece value, slope;
  explicit Logistic(const Piece& x) {
    const Piece e = (-x.abs()).exp();
    const Piece share = 1 / (1 + e);
    value = (x < 0).select(e * share, share);
    slope = e * share.square();
  }
};

// gelu_tanh is x sigmoid(2 u); this is 2 u / x, and its cubic part's factor.
constexpr float kTwiceGeluRate = 2 * std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>;
constexpr float kGeluCubic = 0.044715F;

}  // namespace

// core/reference/activations.h, divided among threads: an Eigen array where Eigen has the function, else a loop.

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
  const auto pieces = [&](auto function) {
    each(cpu::kCostlyElements, [&](Index begin, Index n) {
      for (Index i = begin; i < begin + n; i += kPiece) {
        const Index count = std::min(kPiece, begin + n - i);
        cpu::elements(y, i, count) = function(Piece(cpu::elements(x, i, count)));
      }
    });
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
    case Activation::kGelu:
      return pieces([](const Piece& v) { return Piece(v * Normal(v).distribution); });
    case Activation::kGeluTanh:
      return arrays([](const auto& v) {
        return v / (1 + (-kTwiceGeluRate * v * (1 + kGeluCubic * v.square())).exp());
      });
    case Activation::kSilu:
      return arrays([](const auto& v) { return v / (1 + (-v).exp()); });
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
  const auto pieces = [&](auto function) {
    cpu::for_each_chunk(pool_, dx.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
      for (Index i = begin; i < begin + n; i += kPiece) {
        const Index count = std::min(kPiece, begin + n - i);
        cpu::elements(dx, i, count) =
            cpu::elements(dy, i, count) * function(Piece(cpu::elements(kept, i, count)));
      }
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
    case Activation::kGelu:
      return pieces([](const Piece& x) {
        const Normal normal(x);
        return Piece(normal.distribution + normal.x_times_density);
      });
    case Activation::kGeluTanh:
      return pieces([](const Piece& x) {
        const Logistic share(kTwiceGeluRate * x * (1 + kGeluCubic * x.square()));
        return Piece(share.value + x * share.slope * kTwiceGeluRate * (1 + 3 * kGeluCubic * x.square()));
      });
    case Activation::kSilu:
      return pieces([](const Piece& x) {
        const Logistic share(x);
        return Piece(share.value + x * share.slope);
      });
  }
}

}  // namespace bellman
