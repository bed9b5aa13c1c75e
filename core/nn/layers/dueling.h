// The dueling head (Wang et al. 2016): two streams from the same features, joined by eq. 9.
//
//            +-> [dense H -> relu ->] dense 1 -> v(B,1) -+
//   x(B,I) --+                                           +-> q(B,A) = v + a - mean_a a
//            +-> [dense H -> relu ->] dense A -> a(B,A) -+
//
// Names follow torch.nn.Sequential: a stream of one dense layer has "value.weight"; with a hidden layer its
// parts are "value.0" (dense), "value.1" (relu) and "value.2" (dense).
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers/layer.h"

namespace bellman {

template <class T>
class DuelingLayer final : public BasicLayer<T> {
 public:
  /// `hidden` 0: no hidden layer in the streams. Throws: Error when `input` is not a row of features or a
  /// size is out of range.
  DuelingLayer(const Shape& input, Index actions, Index hidden)
      : inputs_(input[0]), actions_(actions), hidden_(hidden) {
    check_features(input);
    check_size(actions, 1, "actions");
    check_size(hidden, 0, "hidden features");
  }

  std::string text() const override {
    const std::string head = "dueling " + std::to_string(actions_);
    return hidden_ ? head + " hidden " + std::to_string(hidden_) : head;
  }
  Shape input_shape() const override { return {inputs_}; }
  Shape output_shape() const override { return {actions_}; }

  std::vector<ParameterInfo> parameters() const override {
    std::vector<ParameterInfo> all;
    add_stream_parameters(all, "value", 1);
    add_stream_parameters(all, "advantage", actions_);
    return all;
  }
  std::vector<InnerTensor> activations() const override {
    std::vector<InnerTensor> all;
    add_stream_activations(all, "value", 1);
    add_stream_activations(all, "advantage", actions_);
    return all;
  }
  /// dL/dx of the second stream, before it is added to the first stream's.
  Index scratch_elements(const BasicBackend<T>& /*backend*/, Index max_batch) const override {
    return max_batch * inputs_;
  }

  void forward(BasicBackend<T>& backend, TensorView<T> q, TensorView<const T> x,
               const LayerTensors<T>& tensors) const override {
    const TensorView<const T> v = stream_forward(backend, x, stream(tensors, 0));
    const TensorView<const T> a = stream_forward(backend, x, stream(tensors, 1));
    backend.dueling_forward(q, v, a);
  }

  // x feeds both streams, so dL/dx is the sum over both.
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dq, TensorView<const T> x,
                TensorView<const T> /*q*/, const LayerTensors<T>& tensors) const override {
    const LayerTensors<T> value = stream(tensors, 0), advantage = stream(tensors, 1);
    backend.dueling_backward(value.d_activations.back(), advantage.d_activations.back(), dq);
    const TensorView<T> dx_advantage = dx ? TensorView<T>(tensors.scratch.data(), dx.shape()) : dx;
    stream_backward(backend, dx, x, value);
    stream_backward(backend, dx_advantage, x, advantage);
    if (dx) backend.add(dx, dx_advantage);
  }

 private:
  void add_stream_parameters(std::vector<ParameterInfo>& all, const std::string& name, Index outputs) const {
    const auto add_dense = [&all](const std::string& dense, Index i, Index o, bool makes_output) {
      all.push_back({dense + ".weight", {o, i}, ParameterRole::kWeight, i, o, makes_output});
      all.push_back({dense + ".bias", {o}, ParameterRole::kBias, i, o, makes_output});
    };
    if (hidden_) add_dense(name + ".0", inputs_, hidden_, false);
    add_dense(hidden_ ? name + ".2" : name, hidden_ ? hidden_ : inputs_, outputs, true);
  }
  void add_stream_activations(std::vector<InnerTensor>& all, const std::string& name, Index outputs) const {
    if (hidden_) {
      all.push_back({name + ".0", {hidden_}});
      all.push_back({name + ".1", {hidden_}});
    }
    all.push_back({name, {outputs}});
  }

  /// The half of the tensors that belongs to one stream: 0 the value's, 1 the advantage's.
  static LayerTensors<T> stream(const LayerTensors<T>& all, std::size_t which) {
    const auto half = [which](auto span) {
      const std::size_t n = span.size() / 2;
      return span.subspan(which * n, n);
    };
    return {half(all.parameters), half(all.gradients), half(all.activations), half(all.d_activations), {}};
  }

  TensorView<const T> stream_forward(BasicBackend<T>& backend, TensorView<const T> x,
                                     const LayerTensors<T>& s) const {
    if (!hidden_) {
      backend.dense_forward(s.activations[0], x, s.parameters[0], s.parameters[1]);
    } else {
      backend.dense_forward(s.activations[0], x, s.parameters[0], s.parameters[1]);
      backend.activation_forward(s.activations[1], s.activations[0], Activation::kRelu);
      backend.dense_forward(s.activations[2], s.activations[1], s.parameters[2], s.parameters[3]);
    }
    return s.activations.back();
  }

  void stream_backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> x,
                       const LayerTensors<T>& s) const {
    if (!hidden_) {
      backend.dense_backward(dx, s.gradients[0], s.gradients[1], s.d_activations[0], x, s.parameters[0]);
    } else {
      backend.dense_backward(s.d_activations[1], s.gradients[2], s.gradients[3], s.d_activations[2],
                             s.activations[1], s.parameters[2]);
      backend.activation_backward(s.d_activations[0], s.d_activations[1], s.activations[1],
                                  Activation::kRelu);
      backend.dense_backward(dx, s.gradients[0], s.gradients[1], s.d_activations[0], x, s.parameters[0]);
    }
  }

  Index inputs_, actions_, hidden_;
};

}  // namespace bellman
