#include "core/nn/dense_chain.h"

#include "core/nn/layers/dueling.h"
#include "core/nn/layers/feature_layers.h"

namespace bellman {
namespace {

bool is_dense(const BasicLayer<float>& layer) {
  return dynamic_cast<const DenseLayer<float>*>(&layer) != nullptr;
}
bool is_dueling(const BasicLayer<float>& layer) {
  return dynamic_cast<const DuelingLayer<float>*>(&layer) != nullptr;
}

/// The activations that every fused learner supports. A network with another one trains op by op. Only this
/// function says so.
bool is_fused(Activation::Kind kind) { return kind == Activation::kRelu || kind == Activation::kTanh; }

/// Walks through the arena, layer by layer.
class ChainBuilder {
 public:
  ChainBuilder(DenseChain& chain, const Network& network)
      : chain_(chain), entries_(network.layout().entries()) {}

  /// False when no chain has this layer, or not at this position.
  bool add(const BasicLayer<float>& layer, bool last) {
    if (is_dense(layer)) {
      chain_.trunk.push_back(next_dense());
      after_dense_ = true;
      return true;
    }
    const Activation::Kind after = layer.activation().kind;
    if (is_fused(after) && after_dense_ && !last) {
      chain_.trunk.back().after = after;
    } else if (is_dueling(layer) && last) {
      const std::size_t tensors = layer.parameters().size();
      add_stream(chain_.value, tensors / 4);
      add_stream(chain_.advantage, tensors / 4);
    } else if (!layer.is_reshape() || after_dense_) {
      return false;
    }
    after_dense_ = false;
    return true;
  }

 private:
  DenseChain::Dense next_dense() {
    const ArenaLayout::Entry& weight = entries_[next_++];
    const ArenaLayout::Entry& bias = entries_[next_++];
    return {weight.shape[1], weight.shape[0], weight.offset, bias.offset};
  }
  void add_stream(std::vector<DenseChain::Dense>& stream, std::size_t layers) {
    for (std::size_t i = 0; i < layers; ++i) stream.push_back(next_dense());
    if (layers == 2) stream[0].after = Activation::kRelu;
  }

  DenseChain& chain_;
  const std::vector<ArenaLayout::Entry>& entries_;
  std::size_t next_ = 0;
  bool after_dense_ = false;
};

}  // namespace

std::string describe_dense_chain(DenseChain& chain, const Network& network) {
  chain = {};
  ChainBuilder builder(chain, network);
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const BasicLayer<float>& layer = network.layer(i);
    if (!builder.add(layer, i + 1 == network.layers()))
      return "layer " + std::to_string(i) + " is `" + layer.text() + "`";
  }
  if (network.layout().entries().empty()) return "nothing in it is a dense layer";
  chain.inputs = network.input_shape().elements();
  chain.actions = network.output_shape()[0];
  return "";
}

}  // namespace bellman
