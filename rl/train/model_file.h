// model.safetensors: a trained network, and all that is needed to play with it.
//
// The tensors are the parameters alone, named as torch.nn.Sequential names them, so that PyTorch loads the
// file into the same Sequential unchanged. The rest stands in the file's metadata (strings):
//   format                "bellman model 1"
//   network               the whole network's text, head included: "dense 120, relu, dense 2"
//   input_shape           "[4]" or "[4,8,8]"
//   env                   a JSON object of EnvOptions, keys as EnvOptions names them; a map file's text is
//                         map_text (models of earlier builds lack it: the file is read again)
//   observation_mean, observation_variance    JSON arrays, when observations were normalised
//   seed, timestep        of the run, and when these parameters were its present ones
// A file without `format` (from PyTorch, say) is a model too: then only its tensors are known, and the caller
// must know the network.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "core/io/safetensors.h"
#include "core/ops/arena.h"
#include "envs/env.h"

namespace bellman {

struct Model {
  std::string network;                                         // empty: the file does not say
  Shape input_shape;                                           // rank 0: the file does not say
  std::optional<EnvOptions> env;                               // what it was trained on
  std::vector<double> observation_mean, observation_variance;  // empty: observations are not normalised
  std::uint64_t seed = 0;
  Index timestep = 0;
  /// The parameters only: hand it to load_parameters (core/io/weights.h).
  TensorFile parameters;
};

/// Appends the tensors of a host copy of an arena (Learner::get_parameters) to `file`.
/// REQUIRES: values holds layout.size() numbers.
void append_host_parameters(TensorFile& file, const ArenaLayout& layout, std::span<const float> values);

/// Writes `model` atomically. Throws: Error that names the file and the system's reason.
void save_model(const std::filesystem::path& path, const Model& model);

/// Throws: Error that names the file and what is missing, damaged or contradictory in it.
Model load_model(const std::filesystem::path& path);

/// What save_model writes, and load_model of what it reads; `path` stands for the file's name in messages.
/// Throws: Error, as load_model does.
TensorFile file_of(const Model& model);
Model model_of(TensorFile file, const std::filesystem::path& path);

}  // namespace bellman
