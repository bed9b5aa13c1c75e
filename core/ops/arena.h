// One block, many tensors: a network's parameters lie in one block, its gradients and each optimiser moment
// in blocks of the same layout. Adam, zeroing, target sync, the global norm and a checkpoint are then one
// call each.
#pragma once

#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman {

/// Where each named tensor lies within a block, in elements. Tensors start at multiples of 64 bytes (of
/// float). The gaps hold zeros in every block, and stay zero under every optimiser.
class ArenaLayout {
 public:
  static constexpr Index kAlignment = 16;  // elements

  struct Entry {
    std::string name;  // unique: "0.weight"
    Shape shape;
    Index offset = 0;  // elements
  };

  /// Appends a tensor. Throws: Error for a duplicate name.
  void add(const std::string& name, const Shape& shape) {
    for (const Entry& entry : entries_)
      if (entry.name == name) fail("two tensors of one arena are named ", name);
    entries_.push_back({name, shape, size_});
    size_ += (shape.elements() + kAlignment - 1) / kAlignment * kAlignment;
  }

  const std::vector<Entry>& entries() const { return entries_; }
  /// Elements of a block of this layout, gaps included.
  Index size() const { return size_; }
  /// Elements of the tensors alone.
  Index parameters() const {
    Index n = 0;
    for (const Entry& entry : entries_) n += entry.shape.elements();
    return n;
  }
  /// Throws: Error for an unknown name.
  const Entry& find(const std::string& name) const {
    for (const Entry& entry : entries_)
      if (entry.name == name) return entry;
    fail("there is no tensor named ", name);
  }

 private:
  std::vector<Entry> entries_;
  Index size_ = 0;
};

/// A block of numbers in a backend's memory, and its layout. Owns the block.
template <class T>
class BasicArena {
 public:
  BasicArena() = default;
  BasicArena(BasicBackend<T>& backend, const ArenaLayout& layout)
      : layout_(layout), block_(backend, static_cast<std::size_t>(layout.size()) * sizeof(T)) {}

  const ArenaLayout& layout() const { return layout_; }
  /// Everything as one flat tensor (N).
  TensorView<T> flat() const { return block_.template view<T>({layout_.size()}); }
  /// The i-th tensor.
  TensorView<T> operator[](std::size_t i) const {
    const ArenaLayout::Entry& entry = layout_.entries()[i];
    return block_.template view<T>(entry.shape, static_cast<std::size_t>(entry.offset) * sizeof(T));
  }

 private:
  ArenaLayout layout_;
  Block<T> block_;
};

using Arena = BasicArena<float>;

}  // namespace bellman
