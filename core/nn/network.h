// A sequence of layers, and the passes forward and backward through it.
//
//   forward:   x = a_0 -> layer 0 -> a_1 -> layer 1 -> ... -> a_L = y        each a_i kept in the workspace
//   backward:  dL/da_L = dy -> layer L-1 -> dL/da_(L-1) -> ...     each layer adds dL/dparameters to the gradients
//
// The network itself is constant; parameters, gradients and activations are arguments. The target network is
// the same network with another arena of parameters.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/nn/layers/layer.h"
#include "core/ops/arena.h"
#include "core/ops/backend.h"

namespace bellman {

template <class T>
class BasicNetwork;

/// Memory for the activations of up to max_batch samples and, optionally, their gradients. Every tensor of a
/// learn step has a name here: activations "a0" (the input) .. "aL", "2.value", and their gradients "da1",
/// "d2.value". A layer that only reshapes (flatten) shares memory between input and output: a_i with a_(i+1),
/// and da_i with da_(i+1).
template <class T>
class BasicWorkspace {
 public:
  /// Throws: Error for a max_batch outside 1 .. 2^24, or when memory is short.
  /// REQUIRES: the backend outlives it.
  BasicWorkspace(BasicBackend<T>& backend, const BasicNetwork<T>& network, Index max_batch,
                 bool with_gradients);

  Index max_batch() const { return max_batch_; }
  bool with_gradients() const { return with_gradients_; }
  /// a_i of the first `batch` samples: (batch, ...). The caller writes the input to a_0.
  /// Throws: Error unless 1 <= batch <= max_batch; d_activation also without gradients.
  TensorView<T> activation(std::size_t i, Index batch) const;
  /// dL/da_i, of the same shape. The caller writes the loss's gradient to dL/da_L.
  TensorView<T> d_activation(std::size_t i, Index batch) const;

  struct Named {
    std::string name;
    TensorView<T> tensor;
  };
  /// Every tensor with its name, for inspection. Allocates.
  std::vector<Named> tensors(Index batch) const;

 private:
  friend class BasicNetwork<T>;

  /// Where a tensor and its gradient lie, in elements from the start of their blocks.
  struct Place {
    std::string name;
    Shape shape;  // of one sample
    Index offset = 0;
    bool has_gradient = true;
  };
  Place place(const std::string& name, const Shape& shape, bool has_gradient);
  TensorView<T> view(const Block<T>& block, const Place& place, Index batch) const;
  TensorView<T> gradient_view(const Place& place, Index batch) const;

  Index max_batch_ = 0;
  bool with_gradients_ = false;
  std::string network_text_;              // of the network it was made for
  std::vector<Place> activations_;        // a_0 .. a_L
  std::vector<Place> inner_;              // the layers' inner tensors, layer by layer
  std::vector<std::size_t> first_inner_;  // index in inner_ of each layer's first, and the end
  Index size_ = 0;                        // elements of a block
  Block<T> values_, gradients_, scratch_;
};

template <class T>
class BasicNetwork {
 public:
  /// Parses `text`, comma-separated layers (README, "Networks"), for samples of `input_shape`, (I) or
  /// (C,H,W):
  ///   dense O
  ///   conv O KHxKW [stride S | stride SHxSW] [padding P | padding PHxPW]
  ///   max_pool KHxKW [stride ..] [padding ..]
  ///   relu | leaky_relu [SLOPE] | tanh | sigmoid | gelu | gelu_tanh | silu
  ///   layer_norm | flatten
  ///   dueling A [hidden H]
  /// Defaults are PyTorch's: a convolution's stride is 1, a pooling's its window, padding 0, slope 0.01.
  /// Throws: Error that names the layer, its number (from 0) and both shapes when something does not fit, or
  /// the unknown word and the nearest known one.
  BasicNetwork(std::string_view text, const Shape& input_shape);

  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return output_shape_; }
  /// The network's text in canonical form: parsing it gives the same network.
  const std::string& text() const { return text_; }
  std::size_t layers() const { return layers_.size(); }
  /// REQUIRES: i < layers().
  const BasicLayer<T>& layer(std::size_t i) const { return *layers_[i]; }
  /// Names as in torch.nn.Sequential: "<layer>.<name>", with every layer counted from 0.
  const ArenaLayout& layout() const { return layout_; }
  /// The layout's tensors, in its order, for the initialisers.
  const std::vector<ParameterInfo>& parameters() const { return parameters_; }

  /// Runs the first `batch` samples of workspace.activation(0). Returns y(batch, O) =
  /// workspace.activation(layers()). Neither pass allocates. Throws: Error when workspace or parameters
  /// belong to another network, or the batch does not fit.
  TensorView<const T> forward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace,
                              const BasicArena<T>& parameters, Index batch) const;
  /// Starts at workspace.d_activation(layers()) and accumulates into `gradients`. Computes dL/da_0 only with
  /// `with_input_gradient`; otherwise it stops at the first layer that has parameters.
  /// Throws: as forward. REQUIRES: forward ran on this workspace with the same parameters and batch.
  void backward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace, const BasicArena<T>& parameters,
                const BasicArena<T>& gradients, Index batch, bool with_input_gradient = false) const;

 private:
  struct PassTensors;

  void append(std::unique_ptr<const BasicLayer<T>> layer);
  void mark_output_layer();
  void check_fits(const BasicWorkspace<T>& workspace, const BasicArena<T>& parameters) const;
  LayerTensors<T> layer_tensors(PassTensors& views, std::size_t i, const BasicWorkspace<T>& workspace,
                                const BasicArena<T>& parameters, const BasicArena<T>* gradients,
                                Index batch) const;

  std::vector<std::unique_ptr<const BasicLayer<T>>> layers_;
  Shape input_shape_, output_shape_;
  std::string text_;
  ArenaLayout layout_;
  std::vector<ParameterInfo> parameters_;
  std::vector<std::size_t> first_parameter_ = {0};  // index in parameters_ of each layer's first, and the end
  std::size_t first_trainable_ = 0;                 // the first layer with parameters; layers() when none has
};

using Network = BasicNetwork<float>;
using Workspace = BasicWorkspace<float>;

}  // namespace bellman
