// Layers on rows of features: dense, activations, layer normalisation.
#pragma once

#include <charconv>
#include <string>
#include <vector>

#include "core/nn/layers/layer.h"

namespace bellman {

/// y(B,O) = x(B,I) w(O,I)^T + b(O).
template <class T>
class DenseLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is not a row of features or a size is out of range.
  DenseLayer(const Shape& input, Index outputs) : inputs_(input[0]), outputs_(outputs) {
    check_features(input);
    check_size(outputs, 1, "outputs");
  }

  std::string text() const override { return "dense " + std::to_string(outputs_); }
  Shape input_shape() const override { return {inputs_}; }
  Shape output_shape() const override { return {outputs_}; }
  std::vector<ParameterInfo> parameters() const override {
    return {{"weight", {outputs_, inputs_}, ParameterRole::kWeight, inputs_, outputs_},
            {"bias", {outputs_}, ParameterRole::kBias, inputs_, outputs_}};
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& tensors) const override {
    backend.dense_forward(y, x, tensors.parameters[0], tensors.parameters[1]);
  }
  bool forward_activated(BasicBackend<T>& backend, TensorView<T> z, TensorView<T> y, TensorView<const T> x,
                         const LayerTensors<T>& tensors, Activation activation) const override {
    backend.dense_activation_forward(z, y, x, tensors.parameters[0], tensors.parameters[1], activation);
    return true;
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& tensors) const override {
    backend.dense_backward(dx, tensors.gradients[0], tensors.gradients[1], dy, x, tensors.parameters[0]);
  }

 private:
  Index inputs_, outputs_;
};

/// y = f(x), elementwise: any shape, no parameters.
template <class T>
class ActivationLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `shape` is too large, or the function's parameter is out of range.
  ActivationLayer(const Shape& shape, Activation f) : shape_(shape), f_(f), info_(info_of(f.kind)) {
    checked_elements(shape, kMaxFeatures, "an input");
    if (info_.parameter && !(f.parameter >= info_.least && f.parameter <= info_.most))
      fail("has a ", info_.parameter, " of ", f.parameter, ", must be from ", info_.least, " to ",
           info_.most);
  }

  std::string text() const override {
    if (!info_.parameter || f_.parameter == info_.usual) return info_.name;
    char digits[32];  // the fewest digits that read back as the same double
    const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, f_.parameter);
    return std::string(info_.name) + " " + std::string(digits, end.ptr);
  }
  Shape input_shape() const override { return shape_; }
  Shape output_shape() const override { return shape_; }
  Activation activation() const override { return f_; }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    backend.activation_forward(y, x, f_);
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> y, const LayerTensors<T>& /*tensors*/) const override {
    if (dx) backend.activation_backward(dx, dy, info_.keeps_output ? y : x, f_);
  }

 private:
  Shape shape_;
  Activation f_;
  const ActivationInfo& info_;
};

/// Ba et al. 2016: every sample's features are normalised to mean 0 and variance 1, then y = gamma xhat +
/// beta.
template <class T>
class LayerNormLayer final : public BasicLayer<T> {
 public:
  static constexpr double kEpsilon = 1e-5;  // PyTorch's

  /// Throws: Error when `input` is not a row of features.
  explicit LayerNormLayer(const Shape& input) : features_(input[0]) { check_features(input); }

  std::string text() const override { return "layer_norm"; }
  Shape input_shape() const override { return {features_}; }
  Shape output_shape() const override { return {features_}; }
  std::vector<ParameterInfo> parameters() const override {
    return {{"weight", {features_}, ParameterRole::kGain, features_, features_},
            {"bias", {features_}, ParameterRole::kOffset, features_, features_}};
  }
  std::vector<InnerTensor> activations() const override {
    return {{"mean", {1}, false}, {"rstd", {1}, false}};
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& tensors) const override {
    const Shape batch = {x[0]};
    backend.layer_norm_forward(y, tensors.activations[0].reshaped(batch),
                               tensors.activations[1].reshaped(batch), x, tensors.parameters[0],
                               tensors.parameters[1], static_cast<T>(kEpsilon));
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& tensors) const override {
    const Shape batch = {x[0]};
    backend.layer_norm_backward(dx, tensors.gradients[0], tensors.gradients[1], dy, x, tensors.parameters[0],
                                tensors.activations[0].reshaped(batch),
                                tensors.activations[1].reshaped(batch));
  }

 private:
  Index features_;
};

}  // namespace bellman
