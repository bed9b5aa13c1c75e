// Views of tensors: where the numbers are and how they are arranged. A view never owns.
//
// The letters that shapes are written with, everywhere in this project:
//   B  batch                      C  channels                O  outputs (features or channels)
//   I  inputs (features)          H, W  height, width        KH, KW  height, width of a kernel
//   A  actions                    N  elements of a flat block
// All tensors are row-major and dense; images are NCHW.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <type_traits>

#include "core/base/check.h"

namespace bellman {

using Index = std::int64_t;

/// The extents of a tensor of up to four dimensions. Rank 0 is "no tensor".
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Shape() = default;
  /// Throws: Error for more than four dimensions or a negative extent.
  constexpr Shape(std::initializer_list<Index> extents) {
    if (extents.size() > kMaxRank)
      fail("a shape has ", extents.size(), " dimensions, at most 4 are possible");
    for (Index extent : extents) append(extent);
  }

  constexpr int rank() const { return rank_; }
  /// REQUIRES: 0 <= i < rank().
  constexpr Index operator[](int i) const { return extents_[static_cast<std::size_t>(i)]; }
  constexpr void append(Index extent) {
    if (rank_ == kMaxRank) fail("a shape has more than 4 dimensions");
    if (extent < 0) fail("a shape has a negative extent ", extent);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }
  /// The number of elements: the product of the extents; 0 for rank 0.
  constexpr Index elements() const {
    if (rank_ == 0) return 0;
    Index n = 1;
    for (int i = 0; i < rank_; ++i) n *= (*this)[i];
    return n;
  }
  /// This shape with `extent` put before the first dimension: (4) with 32 in front is (32,4).
  constexpr Shape with_batch(Index extent) const {
    Shape s;
    s.append(extent);
    for (int i = 0; i < rank_; ++i) s.append((*this)[i]);
    return s;
  }
  constexpr bool operator==(const Shape&) const = default;

 private:
  std::array<Index, kMaxRank> extents_{};
  int rank_ = 0;
};

/// Writes "(64,4)".
inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? "," : "") << shape[i];
  return out << ')';
}

/// A view of dense row-major numbers in the memory of some backend: only that backend may follow `data`.
template <class T>
class TensorView {
 public:
  constexpr TensorView() = default;
  constexpr TensorView(T* data, const Shape& shape) : data_(data), shape_(shape) {}
  /// A view of mutable numbers is a view of constant ones.
  template <class U>
  requires(std::is_same_v<const U, T>) constexpr TensorView(TensorView<U> other)
      : data_(other.data()), shape_(other.shape()) {}  // NOLINT

  constexpr T* data() const { return data_; }
  constexpr const Shape& shape() const { return shape_; }
  constexpr int rank() const { return shape_.rank(); }
  constexpr Index operator[](int i) const { return shape_[i]; }
  constexpr Index elements() const { return shape_.elements(); }
  /// False for "no tensor", which optional outputs and inputs are.
  constexpr explicit operator bool() const { return data_ != nullptr; }
  /// The same numbers under another shape of as many elements.
  constexpr TensorView reshaped(const Shape& shape) const {
    if (shape.elements() != elements()) fail("a tensor of shape ", shape_, " cannot be seen as ", shape);
    return {data_, shape};
  }
  /// The numbers as a flat host span. REQUIRES: the view is of host memory.
  constexpr std::span<T> host() const { return {data_, static_cast<std::size_t>(elements())}; }

 private:
  T* data_ = nullptr;
  Shape shape_;
};

using Tensor = TensorView<float>;
using ConstTensor = TensorView<const float>;
using IntTensor = TensorView<std::int32_t>;
using ConstIntTensor = TensorView<const std::int32_t>;

}  // namespace bellman
