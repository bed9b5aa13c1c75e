#include "apps/lab/gradient_sweep.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "apps/base/terminal.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/run/device.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/nn/gradient_check.h"
#include "core/nn/initialisers.h"
#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

/// A network with its parameters, an input and targets, and the passes on one backend. The numbers are those of a float
/// whatever T is, so that all backends begin with the same.
template <class T>
class Passes {
 public:
  Passes(BasicBackend<T>& backend, const Network& network, const GradientSweepOptions& options)
      : backend_(backend),
        batch_(options.batch),
        network_(network.text(), network.input_shape()),
        parameters_(backend, network_.layout()),
        gradients_(backend, network_.layout()),
        pass_(backend, network_, options.batch, true),
        targets_(static_cast<std::size_t>(options.batch * network.output_shape().elements())) {
    ReferenceBackend<float> host;
    const Arena start(host, network.layout());
    initialise(host, start, network, Initialiser::kPytorch, options.seed);
    const std::span<const float> from = start.flat().host();
    put(parameters_.flat(), {from.begin(), from.end()});
    RandomSequence random({options.seed, Purpose::kTest, 0});
    std::vector<double> input(static_cast<std::size_t>(options.batch * network.input_shape().elements()));
    for (double& value : input) value = static_cast<float>(random.uniform(-1, 1));
    for (double& value : targets_) value = static_cast<float>(random.uniform(-1, 1));
    put(pass_.activation(0, batch_), input);
  }

  /// L = 1/(2B) sum |y - t|^2.
  double loss() {
    const std::vector<double> y = get(network_.forward(backend_, pass_, parameters_, batch_));
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += (y[i] - targets_[i]) * (y[i] - targets_[i]);
    return sum / (2 * static_cast<double>(batch_));
  }
  void backward() {
    std::vector<double> dy = get(network_.forward(backend_, pass_, parameters_, batch_));
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = (dy[i] - targets_[i]) / static_cast<double>(batch_);
    put(pass_.d_activation(network_.layers(), batch_), dy);
    backend_.fill(gradients_.flat(), T(0));
    network_.backward(backend_, pass_, parameters_, gradients_, batch_, true);
  }
  /// Every tensor of the passes, and every gradient.
  std::vector<std::pair<std::string, std::vector<double>>> tensors() {
    std::vector<std::pair<std::string, std::vector<double>>> all;
    for (const auto& named : pass_.tensors(batch_)) all.emplace_back(named.name, get(named.tensor));
    for (std::size_t i = 0; i < gradients_.layout().entries().size(); ++i)
      all.emplace_back("gradient." + gradients_.layout().entries()[i].name, get(gradients_[i]));
    return all;
  }
  std::size_t parameters() const { return parameters_.layout().entries().size(); }
  TensorView<T> parameter(std::size_t i) const { return parameters_[i]; }
  TensorView<T> gradient(std::size_t i) const { return gradients_[i]; }

 private:
  void put(TensorView<T> to, const std::vector<double>& values) {
    const std::vector<T> numbers(values.begin(), values.end());
    backend_.upload(to.data(), numbers.data(), numbers.size() * sizeof(T));
  }
  std::vector<double> get(TensorView<const T> from) {
    std::vector<T> numbers(static_cast<std::size_t>(from.elements()));
    backend_.download(numbers.data(), from.data(), numbers.size() * sizeof(T));
    return {numbers.begin(), numbers.end()};
  }

  BasicBackend<T>& backend_;
  Index batch_;
  BasicNetwork<T> network_;
  BasicArena<T> parameters_, gradients_;
  BasicWorkspace<T> pass_;
  std::vector<double> targets_;
};

/// A number that is nudged: where it lies, and what the backward pass claims.
struct Nudged {
  double* value;
  double analytic;
};

/// Numbers spread evenly over all parameters; those at a kink are counted and left out.
std::vector<Nudged> choose(Passes<double>& net, Index samples, GradientSweep& sweep) {
  std::vector<Nudged> chosen;
  for (std::size_t i = 0; i < net.parameters(); ++i) {
    const std::span<double> values = net.parameter(i).host();
    const std::span<const double> analytic = net.gradient(i).host();
    const std::size_t stride =
        (values.size() + static_cast<std::size_t>(samples) - 1) / static_cast<std::size_t>(samples);
    for (std::size_t k = 0; k < values.size(); k += stride) {
      ++sweep.nudged;
      const GradientCheck check =
          check_gradient([&] { return net.loss(); }, values.subspan(k, 1), analytic.subspan(k, 1));
      if (check.kinks > 0)
        ++sweep.kinks;
      else if (analytic[k] != 0)
        chosen.push_back({&values[k], analytic[k]});
    }
  }
  return chosen;
}

StepError error_at(Passes<double>& net, const std::vector<Nudged>& chosen, double h) {
  std::vector<double> errors;
  for (const Nudged& nudged : chosen) {
    const double value = *nudged.value;
    *nudged.value = value + h;
    const double above = net.loss();
    *nudged.value = value - h;
    const double below = net.loss();
    *nudged.value = value;
    errors.push_back(std::abs((above - below) / (2 * h) - nudged.analytic) / std::abs(nudged.analytic));
  }
  if (errors.empty()) return {h, 0, 0};
  std::sort(errors.begin(), errors.end());
  return {h, errors[errors.size() / 2], errors.back()};
}

BackendRounding rounding_of(const std::string& device_name, const Network& network,
                            const GradientSweepOptions& options, Passes<double>& exact) {
  BackendRounding result = {device_name, "", {}};
  try {
    const Device device = make_device(device_name, 1);
    Passes<float> passes(*device.backend, network, options);
    passes.backward();
    const auto own = passes.tensors(), right = exact.tensors();
    for (std::size_t i = 0; i < own.size(); ++i) {
      double largest = 0, worst = 0;
      for (const double x : right[i].second) largest = std::max(largest, std::abs(x));
      for (std::size_t k = 0; k < right[i].second.size(); ++k)
        worst = std::max(worst, std::abs(own[i].second[k] - right[i].second[k]));
      const auto top = static_cast<float>(largest);
      const double ulp = static_cast<double>(std::nextafter(top, INFINITY)) - static_cast<double>(top);
      result.tensors.push_back({own[i].first, worst / ulp});
    }
  } catch (const Error& error) {
    result.missing = error.what();
  }
  return result;
}

}  // namespace

GradientSweep sweep_gradients(const Network& network, const GradientSweepOptions& options) {
  GradientSweep sweep;
  ReferenceBackend<double> backend;
  Passes<double> exact(backend, network, options);
  exact.backward();
  for (const char* const device : {"cpu", "simt", "cuda"})
    sweep.backends.push_back(rounding_of(device, network, options, exact));
  const std::vector<Nudged> chosen = choose(exact, options.samples, sweep);
  for (int i = 2; i <= 24; ++i) sweep.steps.push_back(error_at(exact, chosen, std::pow(10.0, -i / 2.0)));
  return sweep;
}

std::string gradient_sweep_text(const GradientSweep& sweep) {
  Table steps({"h", "median error", "largest error"}, {Align::kRight, Align::kRight, Align::kRight});
  for (const StepError& step : sweep.steps)
    steps.add({formatted("%.1e", step.h), formatted("%.1e", step.median), formatted("%.1e", step.worst)});
  std::string text = std::to_string(sweep.nudged) + " numbers nudged, " + std::to_string(sweep.kinks) +
                     " at kinks and left out\n\n" + steps.text() + "\n";
  for (const BackendRounding& backend : sweep.backends) {
    if (!backend.missing.empty()) {
      text += backend.device + ": not asked: " + backend.missing + "\n";
      continue;
    }
    const auto worst =
        std::max_element(backend.tensors.begin(), backend.tensors.end(),
                         [](const Rounding& a, const Rounding& b) { return a.worst_ulp < b.worst_ulp; });
    text += backend.device + ": in float at most " + formatted("%.1f", worst->worst_ulp) +
            " ulp from the definition in double, in " + worst->tensor + "\n";
  }
  return text;
}

std::string gradient_sweep_page(const Network& network, const GradientSweep& sweep) {
  Series median = {"median", {}}, worst = {"largest", {}};
  for (const StepError& step : sweep.steps) {
    median.points.push_back({step.h, step.median, step.median, step.median});
    worst.points.push_back({step.h, step.worst, step.worst, step.worst});
  }
  Markup text =
      element("p", as_text("Network: " + network.text() + ". " + std::to_string(sweep.nudged) +
                           " numbers of its parameters were nudged; " + std::to_string(sweep.kinks) +
                           " are at a kink, where the loss has two slopes, and are left out.")) +
      "\n";
  text += line_chart(
      {"Error of a finite difference",
       "From the right: while h is large the error falls as its square, for the loss bends within the step "
       "(truncation). On the left it rises as 1/h: the two losses agree in ever more digits, and their "
       "difference is rounding. A wrong backward pass shows as a floor that no h goes below.",
       "h", "relative error"},
      {median, worst}, Scale::kLog10, Scale::kLog10);
  std::vector<std::vector<std::string>> rows = {{"tensor"}};
  for (const BackendRounding& backend : sweep.backends)
    if (backend.missing.empty()) {
      rows.front().push_back(backend.device + ", ulp");
      rows.resize(std::max(rows.size(), backend.tensors.size() + 1));
      for (std::size_t i = 0; i < backend.tensors.size(); ++i) {
        if (rows[i + 1].empty()) rows[i + 1].push_back(backend.tensors[i].tensor);
        rows[i + 1].push_back(formatted("%.2f", backend.tensors[i].worst_ulp));
      }
    }
  Markup missing;
  for (const BackendRounding& backend : sweep.backends)
    if (!backend.missing.empty())
      missing += element("p", as_text(backend.device + " was not asked: " + backend.missing));
  text +=
      section("rounding", "How far each backend rounds from the definition",
              element("p", as_text("The largest distance of a backend's float from the definition in double, "
                                   "in units of the last place of the tensor's largest number.")) +
                  text_table(rows) + missing);
  return page("A gradient check in depth", text);
}

}  // namespace bellman
