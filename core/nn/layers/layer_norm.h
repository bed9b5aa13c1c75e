// Ba et al. 2016: every sample's features brought to mean 0 and variance 1, then y = gamma xhat + beta.
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"

namespace bellman {

template <class T>
class LayerNormLayer final : public BasicLayer<T> {
 public:
  static constexpr double kEpsilon = 1e-5;  // PyTorch's

  /// Throws: Error when `input` is no row of features.
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
