// One run of an op on some backend: inputs are uploaded, outputs come back as doubles. The op is written
// once, as a template over the number's type, and run on a float backend and on the definition in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <span>
#include <type_traits>
#include <vector>

#include "core/ops/backend.h"
#include "tests/support/compare.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {

using Numbers = HostTensor<float>;  // exact in float and in double

/// |x| of each number.
inline Numbers magnitudes(Numbers x) {
  for (float& value : x.values()) value = std::abs(value);
  return x;
}

/// Tensors of one op in a backend's memory.
template <class T>
class OpRun {
 public:
  explicit OpRun(BasicBackend<T>& backend) : backend_(backend) {}
  BasicBackend<T>& backend() { return backend_; }

  TensorView<const T> in(const Numbers& numbers) { return hold(numbers); }
  /// "No tensor" when not wanted.
  TensorView<T> out(const Numbers& before, bool wanted = true) {
    if (!wanted) return {};
    outputs_.push_back(hold(before));
    return outputs_.back();
  }
  /// Filled with a number that an overwriting op must replace.
  TensorView<T> out(const Shape& shape, bool wanted = true) { return out(Numbers(shape, 7777.0F), wanted); }
  ConstIntTensor in(const HostTensor<std::int32_t>& numbers) {
    const std::size_t bytes = numbers.size() * sizeof(std::int32_t);
    blocks_.emplace_back(backend_, bytes);
    backend_.upload(blocks_.back().data(), numbers.values().data(), bytes);
    return blocks_.back().template view<std::int32_t>(numbers.shape());
  }
  /// Scratch memory.
  TensorView<T> scratch(Index elements) {
    blocks_.emplace_back(backend_, static_cast<std::size_t>(elements) * sizeof(T));
    return blocks_.back().template view<T>({elements});
  }

  /// The outputs, in the order of their creation, as doubles.
  std::vector<std::vector<double>> outputs() {
    std::vector<std::vector<double>> all;
    for (TensorView<T> output : outputs_) {
      std::vector<T> host(static_cast<std::size_t>(output.elements()));
      backend_.download(host.data(), output.data(), host.size() * sizeof(T));
      all.emplace_back(host.begin(), host.end());
    }
    return all;
  }

 private:
  TensorView<T> hold(const Numbers& numbers) {
    const std::vector<T> converted(numbers.values().begin(), numbers.values().end());
    blocks_.emplace_back(backend_, converted.size() * sizeof(T));
    backend_.upload(blocks_.back().data(), converted.data(), converted.size() * sizeof(T));
    return blocks_.back().template view<T>(numbers.shape());
  }

  BasicBackend<T>& backend_;
  std::deque<Block<T>> blocks_;
  std::vector<TensorView<T>> outputs_;
};

using Outputs = std::vector<std::vector<double>>;

/// Every number of output `i` lies within rounding_bound(terms) times the matching number of `scale`.
inline void check_output(const Outputs& actual, const Outputs& expected, const Outputs& scale, std::size_t i,
                         double terms) {
  INFO("output ", i);
  std::vector<double> bound;
  for (double s : scale.at(i)) bound.push_back(s * rounding_bound<float>(terms));
  check_within<double, double>(actual.at(i), expected.at(i), bound);
}

}  // namespace bellman::test
