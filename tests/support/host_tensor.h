// Tensors that tests own, and ways to fill them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/base/tensor.h"
#include "tests/support/compare.h"

namespace bellman::test {

/// Numbers in host memory and their shape; zero when new. Converts to a view for ops.
template <class T>
class HostTensor {
 public:
  HostTensor() = default;
  explicit HostTensor(const Shape& shape, T value = T())
      : shape_(shape), values_(static_cast<std::size_t>(shape.elements()), value) {}
  /// Throws: Error when there are not as many values as the shape has elements.
  HostTensor(const Shape& shape, std::vector<T> values) : shape_(shape), values_(std::move(values)) {
    if (static_cast<Index>(values_.size()) != shape.elements())
      fail("there are ", values_.size(), " values for a tensor of shape ", shape);
  }

  const Shape& shape() const { return shape_; }
  std::vector<T>& values() { return values_; }
  const std::vector<T>& values() const { return values_; }
  T& operator[](std::size_t i) { return values_[i]; }
  const T& operator[](std::size_t i) const { return values_[i]; }
  std::size_t size() const { return values_.size(); }

  TensorView<T> view() { return {values_.data(), shape_}; }
  TensorView<const T> view() const { return {values_.data(), shape_}; }
  operator TensorView<T>() { return view(); }              // NOLINT
  operator TensorView<const T>() const { return view(); }  // NOLINT
  std::span<T> span() { return values_; }
  std::span<const T> span() const { return values_; }

 private:
  Shape shape_;
  std::vector<T> values_;
};

/// The sequence that a test draws its inputs from.
inline RandomSequence test_sequence(std::uint64_t seed) {
  return RandomSequence(RandomStream{seed, Purpose::kTest, 0});
}

/// Uniform on [low, high).
template <class T = double>
HostTensor<T> random_tensor(RandomSequence& random, const Shape& shape, double low = -1, double high = 1) {
  HostTensor<T> tensor(shape);
  for (T& value : tensor.values()) value = static_cast<T>(random.uniform(low, high));
  return tensor;
}

/// Of a magnitude in [0.1, 1), of either sign: nothing near the kink of a rectifier.
template <class T = double>
HostTensor<T> random_tensor_away_from_zero(RandomSequence& random, const Shape& shape) {
  HostTensor<T> tensor = random_tensor<T>(random, shape, 0.1, 1);
  for (T& value : tensor.values())
    if (random.word() & 1) value = -value;
  return tensor;
}

/// The numbers of an even ladder over [-1, 1), shuffled: no two closer than 2/N, so no ties in a window.
template <class T = double>
HostTensor<T> shuffled_ladder(RandomSequence& random, const Shape& shape) {
  HostTensor<T> tensor(shape);
  for (std::size_t i = 0; i < tensor.size(); ++i)
    tensor[i] = static_cast<T>(-1 + 2 * static_cast<double>(i) / static_cast<double>(tensor.size()));
  for (std::size_t i = tensor.size(); i > 1; --i)
    std::swap(tensor[i - 1], tensor[uniform_index(random.word(), static_cast<std::uint32_t>(i))]);
  return tensor;
}

/// sum_i a[i] b[i], in double.
template <class T>
double dot(const HostTensor<T>& a, const HostTensor<T>& b) {
  if (a.size() != b.size()) fail("dot: shapes ", a.shape(), " and ", b.shape());
  return std::inner_product(a.values().begin(), a.values().end(), b.values().begin(), 0.0);
}

/// Every |actual - expected| <= relative max(|expected|, scale), and the shapes are the same.
template <class T>
void check_close(const HostTensor<T>& actual, const HostTensor<T>& expected, double relative,
                 double scale = 1.0) {
  CHECK(actual.shape() == expected.shape());
  check_close(actual.span(), expected.span(), relative, scale);
}

}  // namespace bellman::test
