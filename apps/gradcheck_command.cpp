// `bellman gradcheck`: the backward passes of a network, written by hand, against nudging every number.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/declare_options.h"
#include "apps/network_gradient_check.h"
#include "apps/parse_number.h"
#include "apps/shape_argument.h"
#include "apps/table.h"
#include "core/network.h"
#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string network = "dense 16, relu, dense 16, tanh, dense 2", input_shape = "4";
  std::string seed = "1", batch = "4", samples = "100";
  bool json = false;
};

constexpr std::string_view kExplanation =
    "A backward pass claims, for every number z that goes into the loss L, how much L changes when z does: "
    "dL/dz.\n"
    "Here each z is nudged by a small h instead, and the loss computed anew from the values around it:\n"
    "  dL/dz ~ (8 (L(z+h) - L(z-h)) - (L(z+2h) - L(z-2h))) / 12h,   h = 1e-4 max(1, |z|)\n"
    "The two columns show, for each tensor, the number for which they differ most. `kinks` counts the "
    "numbers that\n"
    "cannot be judged: the loss has a corner within the nudge, as that of a ReLU at 0.\n";

std::string text_of(const Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// The place of the flat index in the tensor: "[3,0]".
std::string place_text(const Shape& shape, Index index) {
  if (index < 0) return "-";
  std::string text;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = std::to_string(index % shape[i]) + (text.empty() ? "" : ",") + text;
    index /= shape[i];
  }
  return "[" + text + "]";
}

void print_table(const BasicNetwork<double>& network, const NetworkCheckOptions& options,
                 const NetworkGradientCheck& result) {
  std::cout << kExplanation << "\nnetwork  " << network.text() << "\ninput    "
            << text_of(network.input_shape()) << ", a batch of B = " << options.batch << ", seed "
            << options.seed
            << ", double precision\nloss     L = 1/(2B) sum |y - t|^2 = " << formatted("%.6f", result.loss)
            << " for random targets t\n\n";

  using enum Align;
  Table table({"layer", "dL/d ...", "shape", "nudged", "kinks", "at", "by backward pass", "by nudging",
               "relative error", ""},
              {kLeft, kLeft, kLeft, kRight, kRight, kLeft, kRight, kRight, kRight, kLeft});
  Index compared = 0, kinks = 0;
  double worst = 0;
  for (const TensorGradientCheck& t : result.tensors) {
    const bool first = t.name == "input";
    table.add({first ? std::to_string(t.layer) + " " + network.layer(t.layer).text() : "", t.name,
               text_of(t.shape), std::to_string(t.check.compared + t.check.kinks),
               std::to_string(t.check.kinks), place_text(t.shape, t.check.index),
               formatted("%.10g", t.check.analytic), formatted("%.10g", t.check.numeric),
               formatted("%.1e", t.check.relative_error), t.passed ? "PASS" : "FAIL"});
    compared += t.check.compared;
    kinks += t.check.kinks;
    worst = std::max(worst, t.check.relative_error);
  }
  std::cout << table.text() << '\n'
            << (result.passed() ? "PASS" : "FAIL") << ": " << result.tensors.size() << " tensors, "
            << compared << " numbers compared, " << kinks << " at kinks; the largest relative error is "
            << formatted("%.1e", worst) << " (at most " << formatted("%.0e", options.tolerance)
            << " is allowed)\n";
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void print_json(const BasicNetwork<double>& network, const NetworkCheckOptions& options,
                const NetworkGradientCheck& result) {
  Json tensors = Json::array();
  for (const TensorGradientCheck& t : result.tensors) {
    Json shape = Json::array();
    for (int i = 0; i < t.shape.rank(); ++i) shape.push_back(t.shape[i]);
    tensors.push_back({{"layer", t.layer},
                       {"layer_text", network.layer(t.layer).text()},
                       {"name", t.name},
                       {"shape", shape},
                       {"compared", t.check.compared},
                       {"kinks", t.check.kinks},
                       {"index", t.check.index},
                       {"analytic", number_or_null(t.check.analytic)},
                       {"numeric", number_or_null(t.check.numeric)},
                       {"relative_error", number_or_null(t.check.relative_error)},
                       {"passed", t.passed}});
  }
  const Json json = {{"network", network.text()}, {"seed", options.seed},
                     {"batch", options.batch},    {"tolerance", options.tolerance},
                     {"loss", result.loss},       {"passed", result.passed()},
                     {"tensors", tensors}};
  std::cout << json.dump() << '\n';
}

int gradcheck(const Options& options) {
  NetworkCheckOptions check;
  check.seed = parse_seed("--seed", options.seed);
  check.batch = parse_integer("--batch", options.batch, 1, 1024);
  check.samples = parse_integer("--samples", options.samples, 1, 1'000'000'000);
  const BasicNetwork<double> network(options.network, parse_shape("--input-shape", options.input_shape));

  ReferenceBackend<double> backend;
  const NetworkGradientCheck result = check_network_gradients(backend, network, check);
  if (options.json)
    print_json(network, check, result);
  else
    print_table(network, check, result);
  return result.passed() ? kExitSuccess : kExitCheckFailed;
}

}  // namespace

RunCommand declare_gradcheck(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "gradcheck", "Compare a network's gradients with finite differences, layer by layer");
  const auto options = std::make_shared<Options>();
  declare_text(command, "--network", options->network, "LAYERS", "the network");
  declare_text(command, "--input-shape", options->input_shape, "SHAPE",
               "of one sample: I features, or C,H,W of an image");
  declare_text(command, "--seed", options->seed, "N", "of parameters, inputs and targets");
  declare_text(command, "--batch", options->batch, "N", "samples in the batch");
  declare_text(command, "--samples", options->samples, "N",
               "at most so many numbers of each tensor are nudged");
  declare_flag(command, "--json", options->json, "print one JSON object");
  return [options] { return gradcheck(*options); };
}

}  // namespace bellman
