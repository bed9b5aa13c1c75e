// `bellman gradcheck`: compares a network's backward passes with finite differences.

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/lab/gradient_sweep.h"
#include "apps/page/page.h"
#include "apps/run/network_gradient_check.h"
#include "apps/settings/declare_options.h"
#include "core/base/text.h"
#include "core/nn/network.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/q_network.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

struct GradcheckOptions {
  std::string network = "dense 16, relu, dense 16, tanh, dense 2", input_shape = "4";
  std::string actions = "2", seed = "1", batch = "4", samples = "100";
  std::string output = "gradcheck.html";
  bool json = false, sweep = false;
};

constexpr std::size_t kWidth = 80;  // of a line that can be broken

constexpr std::string_view kExplanation =
    "A backward pass claims, for every number z that goes into the loss L, how much L\n"
    "changes when z does: dL/dz. Here each z is nudged by a small h instead, and the\n"
    "loss computed again from the values around it, with h = 1e-4 max(1, |z|):\n"
    "  dL/dz ~ (8 (L(z+h) - L(z-h)) - (L(z+2h) - L(z-2h))) / 12h\n"
    "The columns `backward` and `nudging` show, for each tensor, the number for which\n"
    "the two differ most. At a kink, a corner of the loss, there is nothing to\n"
    "compare: L has one slope to the left and another to the right, as a ReLU at 0 or\n"
    "a tie in a pooling window. `kinks` counts such numbers among those nudged.\n";

/// The place of the flat index in the tensor: "[3,0]".
std::string place_text(const Shape& shape, Index index) {
  std::string text;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = std::to_string(index % shape[i]) + (text.empty() ? "" : ",") + text;
    index /= shape[i];
  }
  return "[" + text + "]";
}

/// `text`, broken after commas where a line would become too long; lines after the first are indented.
std::string folded_text(const std::string& text, std::size_t first_column, std::size_t indent) {
  std::string out;
  std::size_t column = first_column;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(", ", begin), text.size() - 2) + 2;
    const std::size_t length = end - begin - (end < text.size() ? 1 : 0);  // without the space
    if (column + length > kWidth && begin > 0) {
      out.erase(out.find_last_not_of(' ') + 1);
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    out += text.substr(begin, end - begin);
    column += end - begin;
    begin = end;
  }
  return out;
}

/// "2 tanh: input (4,8)": a layer and the shapes of its tensors.
std::string layer_heading(const BasicNetwork<double>& network, std::size_t layer,
                          const NetworkGradientCheck& result) {
  std::string shapes;
  for (const TensorGradientCheck& t : result.tensors)
    if (t.layer == layer) shapes += (shapes.empty() ? "" : ", ") + t.name + ' ' + shape_text(t.shape);
  const std::string name = std::to_string(layer) + ' ' + network.layer(layer).text() + ": ";
  return name + folded_text(shapes, name.size(), 4);
}

std::string verdict(const TensorGradientCheck& t) {
  if (!t.passed) return "FAIL";
  if (!t.vacuous) return "PASS";
  return t.check.compared > 0 ? "zero" : "kink";
}

std::string tensor_table(const BasicNetwork<double>& network, const NetworkGradientCheck& result) {
  using enum Align;
  Table table({"dL/d ...", "kinks", "backward", "nudging", "error", ""},
              {kLeft, kRight, kRight, kRight, kRight, kLeft});
  for (const TensorGradientCheck& t : result.tensors) {
    if (t.name == "input") table.add_line(layer_heading(network, t.layer, result));
    const bool any = t.check.compared > 0;
    table.add({"  " + t.name + (any ? place_text(t.shape, t.check.index) : ""),
               std::to_string(t.check.kinks) + "/" + std::to_string(t.check.compared + t.check.kinks),
               any ? formatted("%.6g", t.check.analytic) : "-",
               any ? formatted("%.6g", t.check.numeric) : "-",
               any ? formatted("%.0e", t.check.relative_error) : "-", verdict(t)});
  }
  return table.text();
}

/// The result in a few lines.
std::string summary(const NetworkCheckOptions& options, const NetworkGradientCheck& result) {
  Index compared = 0, kinks = 0;
  std::size_t vacuous = 0;
  double worst = 0;
  for (const TensorGradientCheck& t : result.tensors) {
    compared += t.check.compared;
    kinks += t.check.kinks;
    vacuous += t.passed && t.vacuous;
    worst = std::max(worst, t.check.relative_error);
  }
  std::ostringstream text;
  if (result.passed() && result.vacuous())
    text << "VACUOUS PASS: every gradient is zero, by the backward pass and by nudging, or\n"
            "at a kink. A wrong backward pass might pass as well: this check shows nothing.\n";
  text << (result.passed() ? "PASS" : "FAIL") << ": " << result.tensors.size() << " tensors, " << compared
       << " numbers compared, " << kinks << " at kinks.\nThe largest relative error is "
       << formatted("%.1e", worst) << " (at most " << formatted("%.0e", options.tolerance)
       << " is allowed).\n";
  if (vacuous > 0 && !result.vacuous())
    text << vacuous << (vacuous == 1 ? " tensor passes" : " tensors pass")
         << " vacuously: every number compared is zero on both sides, or all\nof them are at kinks.\n";
  return text.str();
}

void print_table(const BasicNetwork<double>& network, const NetworkCheckOptions& options,
                 const NetworkGradientCheck& result) {
  std::cout << kExplanation << "\nnetwork  " << folded_text(network.text(), 9, 9) << "\ninput    "
            << shape_text(network.input_shape()) << ", a batch of B = " << options.batch << ", seed "
            << options.seed << ", double precision\n"
            << "loss     L = 1/(2B) sum |y - t|^2 = " << formatted("%.6f", result.loss)
            << " for random targets t\n\n"
            << tensor_table(network, result) << '\n'
            << summary(options, result);
}

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
                       {"passed", t.passed},
                       {"vacuous", t.vacuous}});
  }
  const Json json = {{"network", network.text()},      {"seed", options.seed}, {"batch", options.batch},
                     {"tolerance", options.tolerance}, {"loss", result.loss},  {"passed", result.passed()},
                     {"vacuous", result.vacuous()},    {"tensors", tensors}};
  std::cout << json.dump() << '\n';
}

int gradcheck(const GradcheckOptions& options) {
  NetworkCheckOptions check;
  check.seed = parse_seed("--seed", options.seed);
  check.batch = parse_integer("--batch", options.batch, 1, 1024);
  check.samples = parse_integer("--samples", options.samples, 1, 1'000'000'000);
  const auto actions = static_cast<int>(parse_integer("--actions", options.actions, 1, 1 << 20));
  const BasicNetwork<double> network(with_dueling_actions(options.network, actions),
                                     parse_shape("--input-shape", options.input_shape));

  if (options.sweep) {
    result_is_a_file();
    check_page_file(options.output);
    const Network in_float(network.text(), network.input_shape());
    const GradientSweep sweep =
        sweep_gradients(in_float, {check.seed, check.batch, std::min<Index>(check.samples, 20)});
    std::cout << gradient_sweep_text(sweep);
    write_page(options.output, gradient_sweep_page(in_float, sweep));
    announce_file(options.output);
    return kExitSuccess;
  }
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
  const auto options = std::make_shared<GradcheckOptions>();
  declare_text(command, "--network", options->network, "LAYERS", "the network");
  declare_text(command, "--input-shape", options->input_shape, "SHAPE",
               "of one sample: I features, or C,H,W of an image");
  declare_text(command, "--actions", options->actions, "N",
               "of a `dueling` at the end of the network without a number of actions");
  declare_text(command, "--seed", options->seed, "N", "of parameters, inputs and targets");
  declare_text(command, "--batch", options->batch, "N", "samples in the batch");
  declare_text(command, "--samples", options->samples, "N",
               "the most numbers of each tensor that are nudged");
  declare_flag(command, "--sweep", options->sweep,
               "the error over the size of the nudge, and how far each backend rounds, as a page");
  declare_text(command, "-o,--output", options->output, "FILE", "where that page goes");
  declare_flag(command, "--json", options->json, "print one JSON object");
  return [options] { return gradcheck(*options); };
}

}  // namespace bellman
