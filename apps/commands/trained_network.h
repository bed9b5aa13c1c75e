// A trained network ready to answer: what `eval`, `infer` and `rollout --policy` share.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "core/base/tensor.h"
#include "core/nn/network.h"
#include "envs/env.h"
#include "rl/train/model_file.h"

namespace bellman {

/// What is known about a model file's network from elsewhere, for files that do not say it themselves.
struct NetworkHints {
  std::string network;  // the whole network, head included; what the file says must be the same
  Shape input_shape;    // stands behind what the file says; rank 0: as its first layer's weights show
  std::string
      prefix;  // of its tensors' names (apps/commands/foreign_weights.h); empty: a common one, or none
};

/// Owns the network's parameters and workspace.
class TrainedNetwork {
 public:
  /// `model` is what load_model() read from the file `checkpoint`. Throws: Error that names the file when
  /// nothing says what its network is, when file and hints say different ones, or when it holds other tensors
  /// than the network has.
  TrainedNetwork(const std::filesystem::path& checkpoint, Model model, const NetworkHints& hints);
  ~TrainedNetwork();

  const std::filesystem::path& checkpoint() const { return checkpoint_; }
  /// What the file says of itself.
  const Model& model() const { return model_; }
  /// What was done to the file's weights to take them, a line each with its end; empty for this program's
  /// own.
  const std::string& notes() const { return notes_; }
  const Network& network() const;
  Index num_actions() const;

  /// q(n,A) of n raw observations (n, input_shape), normalised as in training. Throws: Error, naming the row,
  /// when a Q-value is not finite, as those of huge observations may be.
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

/// The index of the largest of `q`, the first among equals.
int greedy_action(std::span<const float> q);

}  // namespace bellman
