// `bellman export`: a trained network for other programs.

#include <cctype>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/commands/observation_json.h"
#include "apps/export/c_source.h"
#include "apps/export/exported_network.h"
#include "apps/export/onnx_file.h"
#include "apps/run/trained_network.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "rl/train/model_file.h"

namespace bellman {
namespace {

struct ExportOptions {
  std::string checkpoint, onnx, c, name = "policy", network, input_shape, prefix;
};

/// Throws: Error for what C takes for no name of a function. A keyword is refused by the compiler.
void check_identifier(const std::string& name) {
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  bool is_name = !name.empty() && name.size() <= 63 && is_letter(name.front());
  for (const char c : name) is_name = is_name && (is_letter(c) || (c >= '0' && c <= '9'));
  if (!is_name) fail("--name: \"", printable(name), "\" is no identifier of C");
}

/// Throws: Error where the model would be replaced by what is made of it.
void check_is_another(const std::string& path, const std::string& checkpoint) {
  std::error_code error;
  if (std::filesystem::equivalent(path, checkpoint, error)) fail(printable(path), " is the model itself");
}

void write(const std::string& path, const std::string& content) {
  write_file_atomically(path, content);
  std::cout << "Wrote " << printable(path) << "\n";
}

int export_model(const ExportOptions& options) {
  if (options.onnx.empty() == options.c.empty()) fail("give either --onnx FILE or --c FILE");
  check_identifier(options.name);
  check_is_another(options.onnx.empty() ? options.c : options.onnx, options.checkpoint);
  const Shape input_shape = parse_shape("--input-shape", options.input_shape);
  TrainedNetwork network(options.checkpoint, load_model(options.checkpoint),
                         {options.network, input_shape, options.prefix});
  std::cerr << network.notes();
  const ExportedNetwork exported = exported_network(network);
  if (!options.onnx.empty())
    write(options.onnx, onnx_file(exported));
  else
    write(options.c, c_source(exported, options.name));
  return kExitSuccess;
}

}  // namespace

RunCommand declare_export(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "export", "Write a model for other programs: ONNX, or one C file",
      "Both take observations as the environment gives them: normalisation is part of the network.");
  const auto options = std::make_shared<ExportOptions>();
  declare_text(command, "--checkpoint", options->checkpoint, "FILE",
               "a model.safetensors, of `bellman train` or of PyTorch", Need::kRequired);
  declare_text(command, "--onnx", options->onnx, "FILE",
               "an ONNX model: observation (N, ...) to q_values (N, actions)");
  declare_text(command, "--c", options->c, "FILE",
               "a C99 source without dependencies: NAME_q_values, NAME_action");
  declare_text(command, "--name", options->name, "NAME", "how the functions' names in C begin");
  declare_text(command, "--network", options->network, "LAYERS",
               "the whole network, for a file that does not describe it: \"dense 64, relu, dense 2\"");
  declare_text(command, "--input-shape", options->input_shape, "SHAPE",
               "I or C,H,W, if neither the file nor the first layer's weights give it");
  declare_text(command, "--prefix", options->prefix, "TEXT",
               "the prefix of the weights' names, if it is not a common one");
  return [options] { return export_model(*options); };
}

}  // namespace bellman
