#include "apps/run/network_gradient_check.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/nn/initialisers.h"

namespace bellman {
namespace {

using Network64 = BasicNetwork<double>;
using Arena64 = BasicArena<double>;
using Workspace64 = BasicWorkspace<double>;

/// L = 1/(2B) sum_n |y_n - t_n|^2.
double half_squared_error(std::span<const double> y, std::span<const double> t, Index batch) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += (y[i] - t[i]) * (y[i] - t[i]);
  return sum / (2.0 * static_cast<double>(batch));
}

void fill_uniform(std::span<double> values, std::uint64_t seed, std::uint32_t index) {
  RandomSequence random({seed, Purpose::kTest, index});
  for (double& value : values) value = random.uniform(-1.0, 1.0);
}

/// The text of the layers from `first` on.
std::string text_from(const Network64& network, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < network.layers(); ++i)
    text += (i > first ? ", " : "") + network.layer(i).text();
  return text;
}

/// The network's layers from `first` on with the same parameters, as a separate network.
class Rest {
 public:
  Rest(BasicBackend<double>& backend, const Network64& network, const Arena64& parameters, std::size_t first,
       Index batch)
      : backend_(backend),
        batch_(batch),
        network_(text_from(network, first), network.layer(first).input_shape()),
        parameters_(backend, network_.layout()),
        workspace_(backend, network_, batch, false) {
    const std::size_t skipped = network.layout().entries().size() - network_.layout().entries().size();
    for (std::size_t i = 0; i < network_.layout().entries().size(); ++i) {
      const std::span<double> from = parameters[skipped + i].host();
      std::copy(from.begin(), from.end(), parameters_[i].host().begin());
    }
  }

  std::span<double> input() const { return workspace_.activation(0, batch_).host(); }
  double loss(std::span<const double> targets) {
    return half_squared_error(network_.forward(backend_, workspace_, parameters_, batch_).host(), targets,
                              batch_);
  }

 private:
  BasicBackend<double>& backend_;
  Index batch_;
  Network64 network_;
  Arena64 parameters_;
  Workspace64 workspace_;
};

class Checker {
 public:
  Checker(BasicBackend<double>& backend, const Network64& network, const NetworkCheckOptions& options)
      : backend_(backend),
        network_(network),
        options_(options),
        parameters_(backend, network.layout()),
        gradients_(backend, network.layout()),
        workspace_(backend, network, options.batch, true),
        targets_(static_cast<std::size_t>(options.batch * network.output_shape().elements())) {
    initialise(backend, parameters_, network, Initialiser::kPytorch, options.seed);
    fill_uniform(workspace_.activation(0, options.batch).host(), options.seed, 0);
    fill_uniform(targets_, options.seed, 1);
  }

  NetworkGradientCheck run() {
    NetworkGradientCheck result;
    result.loss = backward();
    // Copies: computing losses overwrites the activations; a layer that only reshapes shares its input's
    // memory.
    std::vector<std::vector<double>> inputs, d_inputs;
    for (std::size_t i = 0; i < network_.layers(); ++i) {
      const std::span<double> x = workspace_.activation(i, options_.batch).host();
      const std::span<double> dx = workspace_.d_activation(i, options_.batch).host();
      inputs.emplace_back(x.begin(), x.end());
      d_inputs.emplace_back(dx.begin(), dx.end());
    }
    std::size_t parameter = 0;
    for (std::size_t i = 0; i < network_.layers(); ++i) {
      result.tensors.push_back(check_input(i, inputs[i], d_inputs[i]));
      for (std::size_t n = network_.layer(i).parameters().size(); n > 0; --n)
        result.tensors.push_back(check_parameter(i, parameter++));
    }
    return result;
  }

 private:
  /// The whole backward pass; fills every gradient. Returns the loss.
  double backward() {
    // A pass overwrites the gradients of activations and adds to those of parameters. Filling both first
    // reveals a pass that does it the other way round.
    constexpr double kBefore = 1;
    for (const Workspace64::Named& t : workspace_.tensors(options_.batch))
      if (t.name.starts_with('d')) backend_.fill(t.tensor, kBefore);
    backend_.fill(gradients_.flat(), kBefore);

    const std::span<const double> y =
        network_.forward(backend_, workspace_, parameters_, options_.batch).host();
    const std::span<double> dy = workspace_.d_activation(network_.layers(), options_.batch).host();
    for (std::size_t i = 0; i < y.size(); ++i)
      dy[i] = (y[i] - targets_[i]) / static_cast<double>(options_.batch);
    const double loss = half_squared_error(y, targets_, options_.batch);
    network_.backward(backend_, workspace_, parameters_, gradients_, options_.batch, true);
    for (double& gradient : gradients_.flat().host()) gradient -= kBefore;
    return loss;
  }

  TensorGradientCheck check_input(std::size_t layer, std::span<const double> x, std::span<const double> dx) {
    Rest rest(backend_, network_, parameters_, layer, options_.batch);
    std::copy(x.begin(), x.end(), rest.input().begin());
    const auto loss = [&] { return rest.loss(targets_); };
    return result_of(layer, "input", network_.layer(layer).input_shape().with_batch(options_.batch),
                     check_gradient(loss, rest.input(), dx, nudges(x.size())));
  }

  TensorGradientCheck check_parameter(std::size_t layer, std::size_t parameter) {
    const auto loss = [&] {
      return half_squared_error(network_.forward(backend_, workspace_, parameters_, options_.batch).host(),
                                targets_, options_.batch);
    };
    const std::string& name = network_.layout().entries()[parameter].name;
    const TensorView<double> values = parameters_[parameter];
    return result_of(layer, name.substr(name.find('.') + 1), values.shape(),
                     check_gradient(loss, values.host(), gradients_[parameter].host(),
                                    nudges(static_cast<std::size_t>(values.elements()))));
  }

  GradientCheckOptions nudges(std::size_t values) const {
    GradientCheckOptions nudging;
    nudging.stride = (static_cast<Index>(values) + options_.samples - 1) / options_.samples;
    return nudging;
  }

  TensorGradientCheck result_of(std::size_t layer, std::string name, const Shape& shape,
                                const GradientCheck& check) const {
    return {layer,
            std::move(name),
            shape,
            check,
            check.relative_error <= options_.tolerance,
            check.error_of_zero <= options_.tolerance};
  }

  BasicBackend<double>& backend_;
  const Network64& network_;
  NetworkCheckOptions options_;
  Arena64 parameters_, gradients_;
  Workspace64 workspace_;
  std::vector<double> targets_;
};

}  // namespace

bool NetworkGradientCheck::passed() const {
  return std::all_of(tensors.begin(), tensors.end(), [](const TensorGradientCheck& t) { return t.passed; });
}

bool NetworkGradientCheck::vacuous() const {
  return std::all_of(tensors.begin(), tensors.end(), [](const TensorGradientCheck& t) { return t.vacuous; });
}

NetworkGradientCheck check_network_gradients(BasicBackend<double>& backend,
                                             const BasicNetwork<double>& network,
                                             const NetworkCheckOptions& options) {
  if (options.batch < 1 || options.samples < 1 || !(options.tolerance > 0))
    fail("check_network_gradients: batch is ", options.batch, ", samples ", options.samples, ", tolerance ",
         options.tolerance, ", but all must be above 0");
  return Checker(backend, network, options).run();
}

}  // namespace bellman
