// Activations (core/ops/op_options.h), element by element, each y = f(x) with its gradient dL/dx = dL/dy
// f'(x). The backward pass gets y where f' is a function of y alone, so that x need not be kept; otherwise x.
#pragma once

#include <cmath>
#include <numbers>

#include "core/ops/op_options.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

// ---- the rectifier (Nair & Hinton 2010): negative numbers become 0

template <class T>
T relu(T x) {
  return x > 0 ? x : T(0);
}
// The slope is 1 where x > 0 and 0 where x < 0; at the kink x = 0 it is taken as 0. y > 0 exactly where x >
// 0, so y suffices:
//   dL/dx = dy [y > 0]
template <class T>
T relu_backward(T dy, T y) {
  return y > 0 ? dy : T(0);
}

// ---- the leaky rectifier (Maas et al. 2013): negative numbers are scaled down instead of cut off

template <class T>
T leaky_relu(T x, T slope) {
  return x > 0 ? x : slope * x;
}
// Two straight lines: dy/dx is 1 where x > 0, and `slope` elsewhere, including the kink x = 0.
//   dL/dx = dy (x > 0 ? 1 : slope)
template <class T>
T leaky_relu_backward(T dy, T x, T slope) {
  return x > 0 ? dy : slope * dy;
}

// ---- the hyperbolic tangent: squashes a number into (-1, 1)

// tanh = sinh / cosh, and the quotient rule gives (cosh^2 - sinh^2) / cosh^2 = 1 - tanh^2. The derivative is
// a function of y alone:
//   dL/dx = dy (1 - y^2)
template <class T>
T tanh_backward(T dy, T y) {
  return dy * (1 - y * y);
}

// ---- the logistic sigmoid: squashes a number into (0, 1)

/// 1 / (1 + exp(-x)); correctly 0 where exp(-x) overflows.
template <class T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}
// With e = exp(-x), y = 1 / (1 + e) and dy/dx = e / (1 + e)^2 = 1/(1 + e) e/(1 + e) = y (1 - y):
//   dL/dx = dy y (1 - y)
template <class T>
T sigmoid_backward(T dy, T y) {
  return dy * y * (1 - y);
}

// ---- the Gaussian error linear unit (Hendrycks & Gimpel 2016): x times the normal distribution function

/// x Phi(x), with Phi(x) = 1/2 erfc(-x / sqrt 2) of the standard normal distribution.
template <class T>
T gelu(T x) {
  return x / 2 * std::erfc(-x / std::numbers::sqrt2_v<T>);
}
// Phi' is the density phi(x) = exp(-x^2 / 2) / sqrt(2 pi), and the product rule gives
//   dL/dx = dy (Phi(x) + x phi(x))
template <class T>
T gelu_backward(T dy, T x) {
  const T distribution = std::erfc(-x / std::numbers::sqrt2_v<T>) / 2;
  const T density = std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
  return dy * (distribution + x * density);
}

/// u = sqrt(2 / pi) (x + 0.044715 x^3). By the same paper 1/2 (1 + tanh u) is Phi(x) to three digits.
template <class T>
T gelu_argument(T x) {
  return std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T> * (x + T(0.044715) * x * x * x);
}
/// x/2 (1 + tanh u), gelu with a tanh for Phi. Since 1/2 (1 + tanh u) = sigmoid(2 u), it is x sigmoid(2 u),
/// without cancellation.
template <class T>
T gelu_tanh(T x) {
  return x * sigmoid(2 * gelu_argument(x));
}
// With s = sigmoid(2 u), 1 - s = sigmoid(-2 u), ds/dx = 2 s (1 - s) du/dx and
//   du/dx = sqrt(2 / pi) (1 + 3 * 0.044715 x^2):
//   dL/dx = dy (s + x s sigmoid(-2 u) 2 du/dx)
template <class T>
T gelu_tanh_backward(T dy, T x) {
  const T u = gelu_argument(x), s = sigmoid(2 * u);
  const T du = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T> * (1 + T(3 * 0.044715) * x * x);
  return dy * (s + x * s * sigmoid(-2 * u) * 2 * du);
}

// ---- the sigmoid linear unit (Elfwing, Uchibe & Doya 2018), made for Q-learning

/// x sigmoid(x); correctly 0 where exp(-x) overflows.
template <class T>
T silu(T x) {
  return x / (1 + std::exp(-x));
}
// With s = sigmoid(x) and s' = s (1 - s), where 1 - s = sigmoid(-x), the product rule gives
//   dL/dx = dy s (1 + x sigmoid(-x))
template <class T>
T silu_backward(T dy, T x) {
  return dy * sigmoid(x) * (1 + x * sigmoid(-x));
}

// ---- the op

/// y(i) = f(x(i)) for every element. REQUIRES: f is not kNone.
template <class T>
void activation_forward(Out<T> y, In<T> x, Activation f) {
  const auto each = [&](auto function) {
    for (Index i = 0; i < x.elements(); ++i) at(y, i) = function(at(x, i));
  };
  const T slope = T(f.parameter);
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return each([](T v) { return relu(v); });
    case Activation::kLeakyRelu:
      return each([=](T v) { return leaky_relu(v, slope); });
    case Activation::kTanh:
      return each([](T v) { return std::tanh(v); });
    case Activation::kSigmoid:
      return each([](T v) { return sigmoid(v); });
    case Activation::kGelu:
      return each([](T v) { return gelu(v); });
    case Activation::kGeluTanh:
      return each([](T v) { return gelu_tanh(v); });
    case Activation::kSilu:
      return each([](T v) { return silu(v); });
  }
}

/// dx(i) = dL/dx(i), from dy(i) = dL/dy(i) and the kept y or x. dx overwritten.
template <class T>
void activation_backward(Out<T> dx, In<T> dy, In<T> kept, Activation f) {
  const auto each = [&](auto function) {
    for (Index i = 0; i < kept.elements(); ++i) at(dx, i) = function(at(dy, i), at(kept, i));
  };
  const T slope = T(f.parameter);
  switch (f.kind) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return each([](T d, T y) { return relu_backward(d, y); });
    case Activation::kLeakyRelu:
      return each([=](T d, T x) { return leaky_relu_backward(d, x, slope); });
    case Activation::kTanh:
      return each([](T d, T y) { return tanh_backward(d, y); });
    case Activation::kSigmoid:
      return each([](T d, T y) { return sigmoid_backward(d, y); });
    case Activation::kGelu:
      return each([](T d, T x) { return gelu_backward(d, x); });
    case Activation::kGeluTanh:
      return each([](T d, T x) { return gelu_tanh_backward(d, x); });
    case Activation::kSilu:
      return each([](T d, T x) { return silu_backward(d, x); });
  }
}

}  // namespace bellman::reference
