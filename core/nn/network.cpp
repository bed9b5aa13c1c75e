#include "core/nn/network.h"

#include <array>
#include <span>

#include "core/base/text.h"
#include "core/nn/layers/dueling.h"
#include "core/nn/layers/feature_layers.h"
#include "core/nn/layers/image_layers.h"
#include "core/nn/layers/layer.h"
#include "core/nn/network_text.h"

namespace bellman {
namespace {

template <class T>
using LayerPtr = std::unique_ptr<const BasicLayer<T>>;

/// Reads what follows a layer's name and makes the layer for inputs of shape `in`.
template <class T>
using LayerMaker = LayerPtr<T> (*)(LayerWords& words, const Shape& in);

template <class T>
LayerPtr<T> make_dense(LayerWords& words, const Shape& in) {
  return std::make_unique<DenseLayer<T>>(in, words.number("outputs", 1));
}
template <class T>
LayerPtr<T> make_conv2d(LayerWords& words, const Shape& in) {
  const Index outputs = words.number("output channels", 1);
  return std::make_unique<Conv2dLayer<T>>(in, outputs, words.window(false));
}
template <class T>
LayerPtr<T> make_max_pool2d(LayerWords& words, const Shape& in) {
  return std::make_unique<MaxPool2dLayer<T>>(in, words.window(true));
}
template <class T>
LayerPtr<T> make_dueling(LayerWords& words, const Shape& in) {
  const Index actions = words.number("actions", 1);
  const Index hidden = words.take("hidden") ? words.number("hidden features", 1) : 0;
  return std::make_unique<DuelingLayer<T>>(in, actions, hidden);
}
/// A layer without settings.
template <class T, template <class> class Layer>
LayerPtr<T> make_plain(LayerWords& /*words*/, const Shape& in) {
  return std::make_unique<Layer<T>>(in);
}

template <class T>
struct NamedMaker {
  std::string_view name;
  LayerMaker<T> make;
};

/// All layers but activations.
template <class T>
constexpr std::array kLayerMakers = {NamedMaker<T>{"dense", make_dense<T>},
                                     NamedMaker<T>{"conv", make_conv2d<T>},
                                     NamedMaker<T>{"max_pool", make_max_pool2d<T>},
                                     NamedMaker<T>{"layer_norm", make_plain<T, LayerNormLayer>},
                                     NamedMaker<T>{"flatten", make_plain<T, FlattenLayer>},
                                     NamedMaker<T>{"dueling", make_dueling<T>}};

template <class T>
LayerPtr<T> make_activation(const ActivationInfo& info, LayerWords& words, const Shape& in) {
  double parameter = info.usual;
  if (info.parameter && !words.at_end())
    parameter = words.decimal((std::string("a ") + info.parameter).c_str());
  return std::make_unique<ActivationLayer<T>>(in, Activation(info.kind, parameter));
}

/// Null when no layer has the name.
template <class T>
LayerPtr<T> make_named(LayerWords& words, const Shape& in) {
  for (const NamedMaker<T>& layer : kLayerMakers<T>)
    if (words.name() == layer.name) return layer.make(words, in);
  for (const ActivationInfo& info : kActivations)
    if (words.name() == info.name) return make_activation<T>(info, words, in);
  return nullptr;
}

/// In README's order.
std::vector<std::string_view> layer_names() {
  std::vector<std::string_view> names;
  for (const NamedMaker<float>& layer : kLayerMakers<float>) {
    names.push_back(layer.name);
    if (layer.name == "max_pool")
      for (const ActivationInfo& info : kActivations) names.emplace_back(info.name);
  }
  return names;
}

template <class T>
LayerPtr<T> make_layer(std::string_view text, std::size_t number, const Shape& in) {
  LayerWords words(text);
  try {
    if (LayerPtr<T> layer = make_named<T>(words, in)) {
      words.end();
      return layer;
    }
  } catch (const Error& error) {
    fail("layer ", number, " (", printable(text), ") ", error.what());
  }
  fail("layer ", number, " is an unknown \"", printable(words.name()), "\"",
       suggestion(words.name(), layer_names()));
}

}  // namespace

/// The views that one layer gets during a pass, kept on the stack.
template <class T>
struct BasicNetwork<T>::PassTensors {
  static constexpr std::size_t kMax = BasicLayer<T>::kMaxTensors;
  std::array<TensorView<const T>, kMax> parameters;
  std::array<TensorView<T>, kMax> gradients, activations, d_activations;
};

template <class T>
BasicNetwork<T>::BasicNetwork(std::string_view text, const Shape& input_shape)
    : input_shape_(input_shape), output_shape_(input_shape) {
  if (input_shape.rank() != 1 && input_shape.rank() != 3)
    fail("a network's input has the shape ", input_shape, ", must be (I) or (C,H,W)");
  for (int i = 0; i < input_shape.rank(); ++i)
    if (input_shape[i] < 1) fail("a network's input has the shape ", input_shape, ", which is empty");

  const std::vector<std::string_view> layer_texts = split_layers(text);
  for (std::size_t i = 0; i < layer_texts.size(); ++i)
    append(make_layer<T>(layer_texts[i], i, output_shape_));
  mark_output_layer();
  while (first_trainable_ < layers() && first_parameter_[first_trainable_ + 1] == 0) ++first_trainable_;
}

template <class T>
void BasicNetwork<T>::append(std::unique_ptr<const BasicLayer<T>> layer) {
  const std::string number = std::to_string(layers_.size());
  const std::vector<ParameterInfo> parameters = layer->parameters();
  BELLMAN_CHECK(parameters.size() <= BasicLayer<T>::kMaxTensors);
  BELLMAN_CHECK(layer->activations().size() <= BasicLayer<T>::kMaxTensors);
  for (ParameterInfo parameter : parameters) {
    // Its layer bounds a single tensor's size, so the sum stays far below 2^63.
    if (parameter.shape.elements() > kMaxParameters - layout_.parameters())
      fail("layer ", layers_.size(), " (", layer->text(), ") brings the network to more than ",
           kMaxParameters, " parameters");
    parameter.name = number + "." + parameter.name;
    layout_.add(parameter.name, parameter.shape);
    parameters_.push_back(std::move(parameter));
  }
  first_parameter_.push_back(parameters_.size());
  output_shape_ = layer->output_shape();
  text_ += (text_.empty() ? "" : ", ") + layer->text();
  layers_.push_back(std::move(layer));
}

template <class T>
void BasicNetwork<T>::mark_output_layer() {
  bool found = false;  // the last layer with weights
  for (std::size_t i = layers(); i-- > 0;) {
    bool has_weights = false;
    for (std::size_t j = first_parameter_[i]; j < first_parameter_[i + 1]; ++j) {
      has_weights = has_weights || parameters_[j].role == ParameterRole::kWeight;
      if (found) parameters_[j].makes_output = false;
    }
    found = found || has_weights;
  }
}

template <class T>
void BasicNetwork<T>::check_fits(const BasicWorkspace<T>& workspace, const BasicArena<T>& parameters) const {
  // The text and the input's shape determine a network.
  if (workspace.network_text_ != text_ || workspace.activations_.front().shape != input_shape_)
    fail("a workspace of the network \"", printable(workspace.network_text_), "\" for inputs ",
         workspace.activations_.front().shape, " cannot serve \"", printable(text_), "\" for inputs ",
         input_shape_);
  if (parameters.layout().entries().size() != parameters_.size() ||
      parameters.layout().size() != layout_.size())
    fail("an arena of ", parameters.layout().size(), " numbers was made for another network than \"", text(),
         "\"");
}

/// Layer i's tensors for `batch` samples, as spans of `views`; `gradients` is null in the forward pass.
template <class T>
LayerTensors<T> BasicNetwork<T>::layer_tensors(PassTensors& views, std::size_t i,
                                               const BasicWorkspace<T>& workspace,
                                               const BasicArena<T>& parameters,
                                               const BasicArena<T>* gradients, Index batch) const {
  const std::size_t first = first_parameter_[i], count = first_parameter_[i + 1] - first;
  for (std::size_t j = 0; j < count; ++j) {
    views.parameters[j] = parameters[first + j];
    if (gradients) views.gradients[j] = (*gradients)[first + j];
  }
  const std::size_t first_inner = workspace.first_inner_[i];
  const std::size_t inner_count = workspace.first_inner_[i + 1] - first_inner;
  for (std::size_t j = 0; j < inner_count; ++j) {
    const typename BasicWorkspace<T>::Place& place = workspace.inner_[first_inner + j];
    views.activations[j] = workspace.view(workspace.values_, place, batch);
    if (gradients) views.d_activations[j] = workspace.gradient_view(place, batch);
  }
  const Index scratch = static_cast<Index>(workspace.scratch_.bytes() / sizeof(T));
  return {std::span(views.parameters).first(count),
          std::span(views.gradients).first(gradients ? count : 0),
          std::span(views.activations).first(inner_count),
          std::span(views.d_activations).first(gradients ? inner_count : 0),
          {static_cast<T*>(workspace.scratch_.data()), {scratch}}};
}

template <class T>
TensorView<const T> BasicNetwork<T>::forward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace,
                                             const BasicArena<T>& parameters, Index batch) const {
  check_fits(workspace, parameters);
  for (std::size_t i = 0; i < layers(); ++i) {
    PassTensors views;
    const LayerTensors<T> tensors = layer_tensors(views, i, workspace, parameters, nullptr, batch);
    const TensorView<T> x = workspace.activation(i, batch), y = workspace.activation(i + 1, batch);
    // A product and the activation after it are one op where the layer has one.
    const Activation next = i + 1 < layers() ? layers_[i + 1]->activation() : Activation::kNone;
    if (next.kind != Activation::kNone &&
        layers_[i]->forward_activated(backend, workspace.activation(i + 2, batch), y, x, tensors, next))
      ++i;
    else
      layers_[i]->forward(backend, y, x, tensors);
  }
  return workspace.activation(layers(), batch);
}

template <class T>
void BasicNetwork<T>::backward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace,
                               const BasicArena<T>& parameters, const BasicArena<T>& gradients, Index batch,
                               bool with_input_gradient) const {
  check_fits(workspace, parameters);
  check_fits(workspace, gradients);
  const std::size_t last = with_input_gradient ? 0 : first_trainable_;
  for (std::size_t i = layers(); i-- > last;) {
    PassTensors views;
    const bool needs_dx = i > last || with_input_gradient;
    const TensorView<T> dx = needs_dx ? workspace.d_activation(i, batch) : TensorView<T>();
    layers_[i]->backward(backend, dx, workspace.d_activation(i + 1, batch), workspace.activation(i, batch),
                         workspace.activation(i + 1, batch),
                         layer_tensors(views, i, workspace, parameters, &gradients, batch));
  }
}

template class BasicNetwork<float>;
template class BasicNetwork<double>;

}  // namespace bellman
