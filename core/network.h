// The order of layers, and the passes forward and backward through them.
//
//   forward:   x = a_0 -> layer 0 -> a_1 -> layer 1 -> ... -> a_L = y        each a_i kept in the workspace
//   backward:  dL/da_L = dy -> layer L-1 -> dL/da_(L-1) -> ... ; every layer adds dL/dparameters to the
//   gradients
//
// The network itself is constant: parameters, gradients and activations are passed in. The target network is
// the same network on another arena of parameters.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/backend.h"
#include "core/layers/layer.h"
#include "core/tensor.h"

namespace bellman {

template <class T>
class BasicNetwork;

/// Memory for the activations of up to max_batch samples and, when asked for, their gradients. Every number
/// of a learn step has a name here: activations "a0" (the input) .. "aL", "2.value", and their gradients
/// "da1", "d2.value".
template <class T>
class BasicWorkspace {
 public:
  BasicWorkspace(BasicBackend<T>& backend, const BasicNetwork<T>& network, Index max_batch,
                 bool with_gradients);

  Index max_batch() const { return max_batch_; }
  bool with_gradients() const { return with_gradients_; }
  /// a_i of the first `batch` samples: (batch, ...). a_0 is the place where the caller puts the input.
  TensorView<T> activation(std::size_t i, Index batch) const;
  /// dL/da_i, of the same shape; dL/da_L is the place where the caller puts the loss's gradient.
  TensorView<T> d_activation(std::size_t i, Index batch) const;

  struct Named {
    std::string name;
    TensorView<T> tensor;
  };
  /// Every tensor with its name, for whoever wants to look inside. Allocates.
  std::vector<Named> tensors(Index batch) const;

 private:
  friend class BasicNetwork<T>;
  Index max_batch_ = 0;
  bool with_gradients_ = false;
};

template <class T>
class BasicNetwork {
 public:
  /// Parses `text`, layers separated by commas (docs: README, "Networks"), for inputs of `input_shape` (of
  /// one sample: (I) or (C,H,W)):
  ///   dense O | conv O KHxKW [stride S | stride SHxSW] [padding P | padding PHxPW] | max_pool KHxKW [stride
  ///   ..] [padding ..] | relu | leaky_relu [SLOPE] | tanh | sigmoid | layer_norm | flatten | dueling A
  ///   [hidden H]
  /// Throws: Error that names the layer, its place and both shapes when something does not fit, or the
  /// unknown word and the nearest known one.
  BasicNetwork(std::string_view text, const Shape& input_shape);

  const Shape& input_shape() const;
  const Shape& output_shape() const;
  /// The network's text in canonical form: parsing it gives the same network.
  std::string text() const;
  std::size_t layers() const;
  const BasicLayer<T>& layer(std::size_t i) const;
  /// Names as torch.nn.Sequential gives them: "<layer>.<name>", every layer counted.
  const ArenaLayout& layout() const;
  /// The layout's tensors, in its order, for the initialisers.
  const std::vector<ParameterInfo>& parameters() const;

  /// Runs the first `batch` samples of workspace.activation(0). Returns y(batch, O) =
  /// workspace.activation(layers()).
  TensorView<const T> forward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace,
                              const BasicArena<T>& parameters, Index batch) const;
  /// From workspace.d_activation(layers()) down. Accumulates into `gradients`; dL/da_0 is computed only when
  /// `with_input_gradient`. REQUIRES: forward was run on this workspace with the same parameters and batch.
  void backward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace, const BasicArena<T>& parameters,
                const BasicArena<T>& gradients, Index batch, bool with_input_gradient = false) const;
};

using Network = BasicNetwork<float>;
using Workspace = BasicWorkspace<float>;

}  // namespace bellman
