// Chapter 5: a two-layer network as a graph with every value and gradient, and a gradient check of faulty backward passes.
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apps/course/course.h"
#include "apps/lab/faulty_parts.h"
#include "apps/page/graph.h"
#include "apps/page/page.h"
#include "apps/run/network_gradient_check.h"
#include "core/base/text.h"
#include "core/nn/network.h"
#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

/// The parameters in the order of the network's arena, with the settings' names.
constexpr std::array kSmallParameters = {"w11", "w12", "w21", "w22", "b1", "b2", "v1", "v2", "c"};

/// A network of two tanh units and one output, L = (y - t)^2 / 2, with the product's passes in double.
class SmallNetwork {
 public:
  SmallNetwork()
      : network_("dense 2, tanh, dense 1", {2}),
        parameters_(backend_, network_.layout()),
        gradients_(backend_, network_.layout()),
        pass_(backend_, network_, 1, true) {}

  /// Runs both passes. Names: x1, x2, z1, z2, h1, h2, y, t, L and the parameters.
  void run(const std::map<std::string, double>& numbers) {
    Index at = 0;
    for (std::size_t i = 0; i < network_.layout().entries().size(); ++i)
      for (double& p : parameters_[i].host())
        p = numbers.at(kSmallParameters[static_cast<std::size_t>(at++)]);
    const std::span<double> x = pass_.activation(0, 1).host();
    x[0] = numbers.at("x1"), x[1] = numbers.at("x2");
    const double y = network_.forward(backend_, pass_, parameters_, 1).host()[0], t = numbers.at("t");
    pass_.d_activation(network_.layers(), 1).host()[0] = y - t;
    backend_.fill(gradients_.flat(), 0.0);
    network_.backward(backend_, pass_, parameters_, gradients_, 1, /*with_input_gradient=*/true);

    values = numbers;
    values["L"] = (y - t) * (y - t) / 2;
    gradients["L"] = 1;
    gradients["t"] = t - y;
    const std::array<std::vector<const char*>, 4> names = {{{"x1", "x2"}, {"z1", "z2"}, {"h1", "h2"}, {"y"}}};
    for (std::size_t a = 0; a < names.size(); ++a)
      for (std::size_t i = 0; i < names[a].size(); ++i) {
        values[names[a][i]] = pass_.activation(a, 1).host()[i];
        gradients[names[a][i]] = pass_.d_activation(a, 1).host()[i];
      }
    at = 0;
    for (std::size_t i = 0; i < network_.layout().entries().size(); ++i)
      for (const double g : gradients_[i].host())
        gradients[kSmallParameters[static_cast<std::size_t>(at++)]] = g;
  }

  std::map<std::string, double> values, gradients;

 private:
  ReferenceBackend<double> backend_;
  BasicNetwork<double> network_;
  BasicArena<double> parameters_, gradients_;
  BasicWorkspace<double> pass_;
};

/// dL/d name by the difference of two losses.
double nudged_gradient(std::map<std::string, double> numbers, const std::string& name) {
  constexpr double kNudge = 1e-4;
  SmallNetwork network;
  double& number = numbers.at(name);
  const double before = number;
  number = before + kNudge;
  network.run(numbers);
  const double above = network.values.at("L");
  number = before - kNudge;
  network.run(numbers);
  return (above - network.values.at("L")) / (2 * kNudge);
}

GraphNode computed(std::string name, std::string op, std::vector<std::string> of, std::string formula,
                   std::string gradient_formula, double column, double row) {
  GraphNode node;
  node.name = std::move(name), node.op = std::move(op), node.of = std::move(of);
  node.formula = std::move(formula), node.gradient_formula = std::move(gradient_formula);
  node.column = column, node.row = row;
  return node;
}

GraphNode changeable(std::string name, std::string gradient_formula, double column, double row) {
  GraphNode node = computed(std::move(name), "", {}, "", std::move(gradient_formula), column, row);
  node.trained = node.name != "x1" && node.name != "x2" && node.name != "t";
  return node;
}

std::vector<GraphNode> small_graph() {
  return {
      changeable("w11", "dL/dz1 · x1", 0, 0),
      changeable("w12", "dL/dz1 · x2", 0, 1),
      changeable("b1", "dL/dz1", 0, 2),
      changeable("x1", "dL/dz1 · w11 + dL/dz2 · w21", 0, 3),
      changeable("x2", "dL/dz1 · w12 + dL/dz2 · w22", 0, 4),
      changeable("w21", "dL/dz2 · x1", 0, 5),
      changeable("w22", "dL/dz2 · x2", 0, 6),
      changeable("b2", "dL/dz2", 0, 7),
      computed("z1", "affine", {"b1", "w11", "x1", "w12", "x2"}, "w11 · x1 + w12 · x2 + b1",
               "dL/dh1 · (1 − h1²)", 1.2, 1.5),
      computed("z2", "affine", {"b2", "w21", "x1", "w22", "x2"}, "w21 · x1 + w22 · x2 + b2",
               "dL/dh2 · (1 − h2²)", 1.2, 5.5),
      computed("h1", "tanh", {"z1"}, "tanh(z1)", "dL/dy · v1", 2.2, 1.5),
      computed("h2", "tanh", {"z2"}, "tanh(z2)", "dL/dy · v2", 2.2, 5.5),
      changeable("v1", "dL/dy · h1", 2.2, 0.2),
      changeable("c", "dL/dy", 2.2, 3.5),
      changeable("v2", "dL/dy · h2", 2.2, 6.8),
      computed("y", "affine", {"c", "v1", "h1", "v2", "h2"}, "v1 · h1 + v2 · h2 + c", "y − t", 3.4, 3.5),
      changeable("t", "t − y", 3.4, 2),
      computed("L", "half_squared_error", {"y", "t"}, "(y − t)² / 2", "1", 4.4, 2.75),
  };
}

// ---- the gradient check of faulty backward passes

struct NamedFault {
  const char *finding, *name;
  Fault fault;
};
constexpr NamedFault kGradientFaults[] = {
    {"transposed", "dense-dw-transposed", Fault::kTransposedDenseGradient},
    {"last_sample", "bias-gradient-not-summed", Fault::kUnsummedBiasGradient},
    {"leaking_relu", "relu-gradient-at-negative", Fault::kReluGradientAtNegative},
};

std::string tensor_name(const TensorGradientCheck& tensor) {
  return std::to_string(tensor.layer) + "." + tensor.name;
}

/// Adds, for each fault, which gradients are wrong; returns the table of all.
Markup checked_faults(Experiment& experiment, const CourseSettings& settings, const std::atomic<bool>& stop) {
  const BasicNetwork<double> network("dense 8, relu, dense 5, tanh, dense 3", {4});
  const NetworkCheckOptions options = {.seed = settings.seed(), .batch = settings.count("batch")};
  ReferenceBackend<double> sound;
  std::vector<std::vector<std::string>> rows = {{"gradient of", "sound"}};
  for (const TensorGradientCheck& tensor : check_network_gradients(sound, network, options).tensors)
    rows.push_back(
        {tensor_name(tensor) + " " + network.layer(tensor.layer).text(), tensor.passed ? "agrees" : "WRONG"});
  for (const NamedFault& fault : kGradientFaults) {
    if (stop) break;
    FaultyBackend<double> faulty(fault.fault);
    const NetworkGradientCheck check = check_network_gradients(faulty, network, options);
    std::string wrong;
    rows[0].emplace_back(fault.name);
    for (std::size_t i = 0; i < check.tensors.size(); ++i) {
      const TensorGradientCheck& tensor = check.tensors[i];
      rows[i + 1].push_back(
          tensor.passed ? "agrees"
                        : formatted("%.3g instead of %.3g", tensor.check.analytic, tensor.check.numeric));
      if (!tensor.passed) wrong += (wrong.empty() ? "" : " ") + tensor_name(tensor);
    }
    experiment.add(fault.finding, wrong.empty() ? std::string("none") : wrong,
                   std::string("gradients that are wrong with ") + fault.name);
  }
  return element("h3", Markup("A gradient check of three faulty backward passes")) + text_table(rows) +
         element(
             "p",
             as_text(
                 "The number shown is the one that is furthest off. The check compares each gradient of a "
                 "tensor with finite differences; layers are counted from 0."));
}

Experiment run_backprop(const CourseSettings& settings, const std::atomic<bool>& stop) {
  Graph graph;
  graph.title = "A network of two layers: drag a number";
  graph.how_to_read =
      "Each box has its value above and, in red, how fast the loss grows with it. Boxes with a strong border "
      "can be "
      "dragged up and down, or changed with the arrow keys or the sliders below.";
  graph.nodes = small_graph();
  std::map<std::string, double> numbers;
  for (const GraphNode& node : graph.nodes)
    if (node.op.empty()) numbers[node.name] = settings[node.name];
  SmallNetwork network;
  network.run(numbers);
  double agree = 0, compared = 0;
  for (GraphNode& node : graph.nodes) {
    node.value = network.values.at(node.name);
    node.gradient = network.gradients.at(node.name);
    if (!node.op.empty()) continue;
    node.nudged = nudged_gradient(numbers, node.name);
    agree += std::abs(node.nudged - node.gradient) <= 1e-6 * std::max(1.0, std::abs(node.gradient));
    ++compared;
  }

  Experiment experiment;
  const auto add = [&](const char* name, const std::vector<std::string>& of, const char* meaning) {
    std::vector<double> found;
    for (const std::string& node : of)
      found.push_back(network.gradients.at(node) + 0.0);  // a zero without a sign
    experiment.add(name, std::move(found), meaning);
  };
  experiment.add("y", network.values.at("y"), "the network's output");
  experiment.add("loss", network.values.at("L"), "L = (y - t)^2 / 2");
  add("dy", {"y"}, "dL/dy");
  add("dv", {"v1", "v2", "c"}, "dL/dv1, dL/dv2, dL/dc");
  add("dh", {"h1", "h2"}, "dL/dh1, dL/dh2");
  add("dz", {"z1", "z2"}, "dL/dz1, dL/dz2");
  add("dw", {"w11", "w12", "w21", "w22"}, "dL/dw11, dL/dw12, dL/dw21, dL/dw22");
  add("dx", {"x1", "x2"}, "dL/dx1, dL/dx2");
  experiment.add("agree", std::vector<double>{agree, compared},
                 "gradients that agree with finite differences, and all that were compared");
  const Markup faults = checked_faults(experiment, settings, stop);
  experiment.figures = graph_figure("network-graph", graph) + faults;
  return experiment;
}

constexpr CourseSetting kBackpropSettings[] = {
    {"x1", 1, -3, 3, "the first input"},
    {"x2", -0.5, -3, 3, "the second input"},
    {"t", 1.5, -3, 3, "the target"},
    {"w11", 0.6, -3, 3, "weight of x1 in z1"},
    {"w12", -0.4, -3, 3, "weight of x2 in z1"},
    {"b1", 0.1, -3, 3, "bias of z1"},
    {"w21", -0.3, -3, 3, "weight of x1 in z2"},
    {"w22", 0.8, -3, 3, "weight of x2 in z2"},
    {"b2", 0, -3, 3, "bias of z2"},
    {"v1", 0.7, -3, 3, "weight of h1 in y"},
    {"v2", -0.5, -3, 3, "weight of h2 in y"},
    {"c", 0.2, -3, 3, "bias of y"},
    {"batch", 4, 1, 64, "samples of the gradient check", true},
    {"seed", 1, 0, 1e9, "of the gradient check's network and samples", true},
};

}  // namespace

const Chapter& backprop_chapter() {
  static const Chapter chapter = {
      5, "Backpropagation",
      "The output y is below the target t. Which of the nine weights must grow to lower the "
      "loss, and which one matters most? Say so before you look at the gradients.",
      kBackpropSettings, run_backprop};
  return chapter;
}

}  // namespace bellman
