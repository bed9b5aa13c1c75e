// The order of layers, and the passes forward and backward through them.
//
//   forward:   x = a_0 -> layer 0 -> a_1 -> layer 1 -> ... -> a_L = y        each a_i kept in the workspace
//   backward:  dL/da_L = dy -> layer L-1 -> dL/da_(L-1) -> ...     each layer adds dL/dparameters to the gradients
//
// The network itself is constant: parameters, gradients and activations are passed in. The target network is
// the same network on another arena of parameters.
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

/// Memory for the activations of up to max_batch samples and, when asked for, their gradients. Every number
/// of a learn step has a name here: activations "a0" (the input) .. "aL", "2.value", and their gradients
/// "da1", "d2.value". A layer that only reshapes (flatten) has its output in its input's memory: a_i and
/// a_(i+1) are then the same numbers, da_i and da_(i+1) too.
template <class T>
class BasicWorkspace {
 public:
  /// Throws: Error for a max_batch below 1 or beyond 2^24, or when there is not enough memory.
  /// REQUIRES: the backend outlives it.
  BasicWorkspace(BasicBackend<T>& backend, const BasicNetwork<T>& network, Index max_batch,
                 bool with_gradients);

  Index max_batch() const { return max_batch_; }
  bool with_gradients() const { return with_gradients_; }
  /// a_i of the first `batch` samples: (batch, ...). a_0 is the place where the caller puts the input.
  /// Throws: Error unless 1 <= batch <= max_batch; d_activation also when there are no gradients.
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
  std::vector<std::size_t> first_inner_;  // where each layer's begin in inner_, and the end
  Index size_ = 0;                        // elements of a block
  Block<T> values_, gradients_, scratch_;
};

template <class T>
class BasicNetwork {
 public:
  /// Parses `text`, layers separated by commas (docs: README, "Networks"), for inputs of `input_shape` (of
  /// one sample: (I) or (C,H,W)):
  ///   dense O
  ///   conv O KHxKW [stride S | stride SHxSW] [padding P | padding PHxPW]
  ///   max_pool KHxKW [stride ..] [padding ..]
  ///   relu | leaky_relu [SLOPE] | tanh | sigmoid | gelu | gelu_tanh | silu
  ///   layer_norm | flatten
  ///   dueling A [hidden H]
  /// Defaults are PyTorch's: a convolution's stride is 1, a pooling's its window, padding 0, slope 0.01.
  /// Throws: Error that names the layer, its place (from 1) and both shapes when something does not fit, or
  /// the unknown word and the nearest known one.
  BasicNetwork(std::string_view text, const Shape& input_shape);

  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return output_shape_; }
  /// The network's text in canonical form: parsing it gives the same network.
  const std::string& text() const { return text_; }
  std::size_t layers() const { return layers_.size(); }
  /// REQUIRES: i < layers().
  const BasicLayer<T>& layer(std::size_t i) const { return *layers_[i]; }
  /// Names as torch.nn.Sequential gives them: "<layer>.<name>", every layer counted, from 0.
  const ArenaLayout& layout() const { return layout_; }
  /// The layout's tensors, in its order and under its names, for the initialisers.
  const std::vector<ParameterInfo>& parameters() const { return parameters_; }

  /// Runs the first `batch` samples of workspace.activation(0). Returns y(batch, O) =
  /// workspace.activation(layers()). Allocates nothing, as backward.
  /// Throws: Error when workspace or parameters are another network's, or the batch does not fit them.
  TensorView<const T> forward(BasicBackend<T>& backend, BasicWorkspace<T>& workspace,
                              const BasicArena<T>& parameters, Index batch) const;
  /// From workspace.d_activation(layers()) down. Accumulates into `gradients`; dL/da_0 is computed only when
  /// `with_input_gradient`: without it the pass ends at the first layer that has parameters.
  /// Throws: as forward. REQUIRES: forward was run on this workspace with the same parameters and batch.
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
  std::vector<std::size_t> first_parameter_ = {0};  // where each layer's begin in parameters_, and the end
  std::size_t first_trainable_ = 0;                 // the first layer with parameters; layers() when none has
};

using Network = BasicNetwork<float>;
using Workspace = BasicWorkspace<float>;

}  // namespace bellman
