// A trained network ready to answer, from this program's model file or from another program's weights: what
// `eval`, `infer` and `rollout --policy` share.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/io/safetensors.h"
#include "core/nn/network.h"
#include "envs/env.h"
#include "rl/train/model_file.h"

namespace bellman {

/// The number before the first dot of "12.weight", as torch.nn.Sequential names its parts; none for other
/// names.
std::optional<Index> layer_number(std::string_view name);

struct Weights {
  TensorFile file;                 // F32; names without the prefix
  std::vector<std::string> notes;  // each conversion as a sentence; none for this program's files
};

/// Converts weights as other programs write them for load_parameters. With a `prefix` (its last dot may be
/// left out), only tensors whose names begin with it are kept, and it is removed. Without one, and when no
/// name is torch.nn.Sequential's, a common prefix is removed: any chain of `network.`, `q_network.`,
/// `q_net.`, `policy_net.`, `module.` and `_orig_mod.` that a layer's number follows. F64, F16 and BF16
/// become F32. Throws: Error, without the file's name, when no name begins with `prefix`, when there are
/// several common prefixes, or for a tensor whose numbers are not floating-point or exceed a float.
Weights foreign_weights(TensorFile file, const std::string& prefix);

/// What the user says about a model file's network, for files that do not describe it themselves.
struct NetworkHints {
  std::string network;  // the whole network, head included; it must agree with the file
  Shape input_shape;    // used where the file has none; rank 0: from the first layer's weights
  std::string prefix;   // of the tensors' names (foreign_weights); empty: a common one, or none
};

/// Owns the network's parameters and workspace.
class TrainedNetwork {
 public:
  /// `model` is load_model() of the file `checkpoint`. Throws: Error that names the file when neither file
  /// nor hints describe the network, when they differ, or when the file's tensors are not the network's.
  TrainedNetwork(const std::filesystem::path& checkpoint, Model model, const NetworkHints& hints);
  ~TrainedNetwork();

  const std::filesystem::path& checkpoint() const { return checkpoint_; }
  /// The file's contents.
  const Model& model() const { return model_; }
  /// The conversions of the file's weights, a line each with its line end; empty for this program's files.
  const std::string& notes() const { return notes_; }
  const Network& network() const;
  Index num_actions() const;
  /// All parameters, as network().layout() places them.
  std::span<const float> parameters() const;

  /// q(n,A) of n raw observations (n, input_shape), normalised as in training. Throws: Error, naming the row,
  /// when a Q-value is not finite; huge observations cause that.
  void q_values(std::span<float> q, std::span<const float> observations, Index n);

  /// Throws: Error, naming both shapes, unless the network takes this environment's observations and has one
  /// Q-value an action.
  void require_fit(const EnvSpec& spec) const;

 private:
  struct Engine;
  std::filesystem::path checkpoint_;
  Model model_;
  std::string notes_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace bellman
