// What the bindings of ops share: backends by their names, and results.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "core/ops/backend.h"
#include "core/reference/reference_backend.h"
#include "python/src/bindings.h"

namespace bellman::python {

using Name = std::optional<std::string>;

/// One of each kind for the process: ops hold the interpreter's lock, so that one caller at a time is in them.
template <class T>
BasicBackend<T>& backend_of(const Name& name) {
  static ReferenceBackend<T> reference;
  if (name && *name == "reference") return reference;
  if constexpr (std::is_same_v<T, float>) {
    static CpuBackend cpu;
    if (!name || *name == "cpu") return cpu;
    fail("unknown backend \"", printable(*name), "\" (known: cpu, reference)");
  }
  if (!name) return reference;
  fail("backend is \"", printable(*name), "\", must be reference for float64 arrays");
}

template <class T>
TensorView<const T> in(const In<T>& array) {
  return {array.data(), shape_of(array)};
}
template <class T>
TensorView<T> out(const Out<T>& array) {
  return {array.data(), shape_of(array)};
}
template <class T>
TensorView<const T> in(const std::optional<In<T>>& array) {
  return array ? in(*array) : TensorView<const T>();
}
template <class T>
TensorView<T> out(const std::optional<Out<T>>& array) {
  return array ? out(*array) : TensorView<T>();
}

/// A result: zeros at first.
template <class T>
class New {
 public:
  explicit New(const Shape& shape) : values_(static_cast<std::size_t>(shape.elements())), shape_(shape) {}
  TensorView<T> view() { return {values_.data(), shape_}; }
  nb::ndarray<nb::numpy, T> array() { return array_of(std::move(values_), shape_); }
  T number() const { return values_[0]; }

 private:
  std::vector<T> values_;
  Shape shape_;
};

template <class Tensor>
Index extent(const Tensor& tensor, int dimension, const char* what) {
  if (tensor.rank() <= dimension)
    fail(what, " has shape ", tensor.shape(), ", must have ", dimension + 1, " dimensions or more");
  return tensor[dimension];
}

/// Adds losses, and optimisers' steps in place. For T = float and double.
template <class T>
void bind_learning_ops(nb::module_& m);

}  // namespace bellman::python
