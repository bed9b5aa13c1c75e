#include <algorithm>

#include "core/nn/layers/layer.h"
#include "core/nn/network.h"

namespace bellman {

template <class T>
BasicWorkspace<T>::BasicWorkspace(BasicBackend<T>& backend, const BasicNetwork<T>& network, Index max_batch,
                                  bool with_gradients)
    : max_batch_(max_batch), with_gradients_(with_gradients), network_text_(network.text()) {
  if (max_batch < 1 || max_batch > kMaxFeatures)
    fail("a workspace for batches of ", max_batch, " samples: must be from 1 to ", kMaxFeatures);

  Index scratch = 0;
  activations_.push_back(place("a0", network.input_shape(), true));
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const BasicLayer<T>& layer = network.layer(i);
    const std::string number = std::to_string(i);
    first_inner_.push_back(inner_.size());
    for (const InnerTensor& tensor : layer.activations())
      inner_.push_back(place(number + "." + tensor.name, tensor.shape, tensor.has_gradient));
    const std::string name = 'a' + std::to_string(i + 1);
    if (layer.is_reshape())
      activations_.push_back({name, layer.output_shape(), activations_.back().offset, true});
    else
      activations_.push_back(place(name, layer.output_shape(), true));
    scratch = std::max(scratch, layer.scratch_elements(backend, max_batch));
  }
  first_inner_.push_back(inner_.size());

  const auto bytes = [](Index elements) { return static_cast<std::size_t>(elements) * sizeof(T); };
  values_ = Block<T>(backend, bytes(size_));
  if (with_gradients) gradients_ = Block<T>(backend, bytes(size_));
  if (scratch > 0) scratch_ = Block<T>(backend, bytes(scratch));
}

/// The next place of a block, aligned like an arena's tensors.
template <class T>
typename BasicWorkspace<T>::Place BasicWorkspace<T>::place(const std::string& name, const Shape& shape,
                                                           bool has_gradient) {
  constexpr Index kAlignment = ArenaLayout::kAlignment;
  const Place result = {name, shape, size_, has_gradient};
  size_ += (max_batch_ * shape.elements() + kAlignment - 1) / kAlignment * kAlignment;
  return result;
}

template <class T>
TensorView<T> BasicWorkspace<T>::view(const Block<T>& block, const Place& place, Index batch) const {
  if (batch < 1 || batch > max_batch_)
    fail("a batch of ", batch, " samples does not fit a workspace for 1 to ", max_batch_);
  return {static_cast<T*>(block.data()) + place.offset, place.shape.with_batch(batch)};
}

template <class T>
TensorView<T> BasicWorkspace<T>::gradient_view(const Place& place, Index batch) const {
  if (!with_gradients_ || !place.has_gradient) return {};
  return view(gradients_, place, batch);
}

template <class T>
TensorView<T> BasicWorkspace<T>::activation(std::size_t i, Index batch) const {
  BELLMAN_CHECK(i < activations_.size());
  return view(values_, activations_[i], batch);
}

template <class T>
TensorView<T> BasicWorkspace<T>::d_activation(std::size_t i, Index batch) const {
  BELLMAN_CHECK(i < activations_.size());
  if (!with_gradients_) fail("this workspace was made without gradients");
  return gradient_view(activations_[i], batch);
}

template <class T>
std::vector<typename BasicWorkspace<T>::Named> BasicWorkspace<T>::tensors(Index batch) const {
  std::vector<Named> result;
  const auto add = [&](const Place& place) {
    result.push_back({place.name, view(values_, place, batch)});
    if (const TensorView<T> gradient = gradient_view(place, batch))
      result.push_back({"d" + place.name, gradient});
  };
  for (std::size_t i = 0; i < activations_.size(); ++i) {
    if (i > 0)
      for (std::size_t j = first_inner_[i - 1]; j < first_inner_[i]; ++j) add(inner_[j]);
    add(activations_[i]);
  }
  return result;
}

template class BasicWorkspace<float>;
template class BasicWorkspace<double>;

}  // namespace bellman
