// `bellman infer`: the Q-values of given observations.

#include <cstddef>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/commands/observation_json.h"
#include "apps/run/trained_network.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/train/model_file.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

struct InferOptions {
  std::string checkpoint, network, input_shape, prefix, observations;
  bool json = false;
};

void print_json(const TrainedNetwork& policy, std::span<const float> q, Index rows) {
  const auto width = static_cast<std::size_t>(policy.num_actions());
  Json q_values = Json::array(), actions = Json::array();
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    Json values = Json::array();
    for (const float value : q.subspan(row * width, width)) values.push_back(shortest_double(value));
    q_values.push_back(values);
    actions.push_back(greedy_action(q.subspan(row * width, width)));
  }
  const Json json = {{"checkpoint", policy.checkpoint().string()},
                     {"network", policy.network().text()},
                     {"q_values", q_values},
                     {"actions", actions}};
  std::cout << json_line(json);
}

int infer(const InferOptions& options) {
  const Shape input_shape = parse_shape("--input-shape", options.input_shape);
  Model model = load_model(options.checkpoint);
  if (input_shape.rank() > 0 && model.input_shape.rank() > 0 && input_shape != model.input_shape)
    fail("--input-shape is ", input_shape, ", but ", options.checkpoint, " has ", model.input_shape);
  TrainedNetwork policy(options.checkpoint, std::move(model), {options.network, input_shape, options.prefix});
  std::cerr << policy.notes();
  const Observations observations =
      read_observations("--obs", options.observations, policy.network().input_shape());

  std::vector<float> q(static_cast<std::size_t>(observations.rows * policy.num_actions()));
  policy.q_values(q, observations.values, observations.rows);
  if (options.json)
    print_json(policy, q, observations.rows);
  else
    std::cout << json_array(q, {observations.rows, policy.num_actions()}) << '\n';
  return kExitSuccess;
}

}  // namespace

RunCommand declare_infer(CLI::App& parent) {
  CLI::App& command = declare_command(parent, "infer", "Print a model's Q-values for observations");
  const auto options = std::make_shared<InferOptions>();
  declare_text(command, "--checkpoint", options->checkpoint, "FILE",
               "a model.safetensors, of `bellman train` or of PyTorch", Need::kRequired);
  declare_text(command, "--obs", options->observations, "ROWS",
               "observations as the environment gives them: '[[...],...]', @FILE, or - for standard input",
               Need::kRequired);
  declare_text(command, "--network", options->network, "LAYERS",
               "the whole network, for a file that does not describe it: \"dense 64, relu, dense 2\"");
  declare_text(command, "--input-shape", options->input_shape, "SHAPE",
               "I or C,H,W, if neither the file nor the first layer's weights give it");
  declare_text(command, "--prefix", options->prefix, "TEXT",
               "the prefix of the weights' names, if it is not a common one");
  declare_flag(command, "--json", options->json, "print an object, with the greedy actions too");
  return [options] { return infer(*options); };
}

}  // namespace bellman
