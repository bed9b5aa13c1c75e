#include "apps/export/exported_network.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "core/base/check.h"
#include "core/nn/network.h"
#include "core/nn/network_text.h"
#include "rl/replay/running_normalizer.h"

namespace bellman {
namespace {

using Kind = ExportedStep::Kind;

/// Hands out the parameters in the order of the network's layout.
class ParameterReader {
 public:
  explicit ParameterReader(const TrainedNetwork& network)
      : entries_(network.network().layout().entries()), values_(network.parameters()) {}

  std::span<const float> next() {
    const ArenaLayout::Entry& entry = entries_[next_++];
    return values_.subspan(static_cast<std::size_t>(entry.offset),
                           static_cast<std::size_t>(entry.shape.elements()));
  }
  void read_weight_and_bias(ExportedStep& step) {
    step.weight = next();
    step.bias = next();
  }

 private:
  std::span<const ArenaLayout::Entry> entries_;
  std::span<const float> values_;
  std::size_t next_ = 0;
};

ExportedStep dense(const std::string& name, Index inputs, Index outputs, ParameterReader& parameters) {
  ExportedStep step{.kind = Kind::kDense, .name = name, .input = {inputs}, .output = {outputs}};
  parameters.read_weight_and_bias(step);
  return step;
}

/// As DuelingLayer names its parts.
std::vector<ExportedStep> stream(const std::string& name, Index inputs, Index hidden, Index outputs,
                                 ParameterReader& parameters) {
  if (hidden == 0) return {dense(name, inputs, outputs, parameters)};
  std::vector<ExportedStep> steps = {dense(name + ".0", inputs, hidden, parameters)};
  steps.push_back({.kind = Kind::kActivation,
                   .name = name + ".1",
                   .input = {hidden},
                   .output = {hidden},
                   .activation = {Activation::kRelu}});
  steps.push_back(dense(name + ".2", hidden, outputs, parameters));
  return steps;
}

ExportedStep step_of(const BasicLayer<float>& layer, const std::string& name, ParameterReader& parameters) {
  const std::string text = layer.text();
  LayerWords words(text);
  ExportedStep step{.name = name, .input = layer.input_shape(), .output = layer.output_shape()};
  if (layer.activation().kind != Activation::kNone) {
    step.kind = Kind::kActivation;
    step.activation = layer.activation();
  } else if (words.name() == "dense") {
    step = dense(name, step.input[0], step.output[0], parameters);
  } else if (words.name() == "conv") {
    step.kind = Kind::kConv;
    words.number("output channels", 1);
    step.window = words.window(/*stride_is_kernel=*/false);
    parameters.read_weight_and_bias(step);
  } else if (words.name() == "max_pool") {
    step.kind = Kind::kMaxPool;
    step.window = words.window(/*stride_is_kernel=*/true);
  } else if (words.name() == "layer_norm") {
    step.kind = Kind::kLayerNorm;
    parameters.read_weight_and_bias(step);
  } else if (words.name() == "dueling") {
    step.kind = Kind::kDueling;
    const Index actions = words.number("actions", 1);
    const Index hidden = words.take("hidden") ? words.number("hidden features", 1) : 0;
    step.value = stream(name + ".value", step.input[0], hidden, 1, parameters);
    step.advantage = stream(name + ".advantage", step.input[0], hidden, actions, parameters);
  } else if (!layer.is_reshape()) {
    fail("no exporter knows the layer ", text);
  }
  return step;
}

}  // namespace

ExportedNetwork exported_network(const TrainedNetwork& trained) {
  const Network& network = trained.network();
  ExportedNetwork exported{
      .text = network.text(), .input = network.input_shape(), .actions = trained.num_actions()};
  const Model& model = trained.model();
  exported.mean = model.observation_mean;
  exported.limit = RunningNormalizer::kClip;
  for (const double variance : model.observation_variance)
    exported.scale.push_back(1.0 / std::sqrt(variance + RunningNormalizer::kEpsilon));
  ParameterReader parameters(trained);
  for (std::size_t i = 0; i < network.layers(); ++i)
    exported.steps.push_back(step_of(network.layer(i), std::to_string(i), parameters));
  return exported;
}

}  // namespace bellman
