// What the binding files share. Each binds one room of the project: bind_*() adds its classes and functions to the module.
//
// Arrays are NumPy's. An argument of another type or order is converted where it is only read; what a function writes
// must be an array of just this type. Long work releases the interpreter's lock.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "rl/config/train_config.h"

namespace bellman::python {

namespace nb = nanobind;

void bind_config(nb::module_& m);
void bind_dqn(nb::module_& m);
void bind_envs(nb::module_& m);
void bind_network(nb::module_& m);
void bind_ops(nb::module_& m);
void bind_replay(nb::module_& m);

/// A dense array in host memory that a function reads.
template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
/// One that it writes. Bind it with .noconvert(): a converted copy would be written instead.
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
std::span<const T> span_of(const In<T>& array) {
  return {array.data(), array.size()};
}
template <class T>
std::span<T> span_of(const Out<T>& array) {
  return {array.data(), array.size()};
}

/// The array's extents. Throws: Error for more than four dimensions.
template <class Array>
Shape shape_of(const Array& array) {
  Shape shape;
  for (std::size_t i = 0; i < array.ndim(); ++i) shape.append(static_cast<Index>(array.shape(i)));
  return shape;
}

inline Shape shape_from(const std::vector<Index>& extents) {
  Shape shape;
  for (const Index extent : extents) shape.append(extent);
  return shape;
}

inline nb::tuple tuple_of(const Shape& shape) {
  nb::list extents;
  for (int i = 0; i < shape.rank(); ++i) extents.append(shape[i]);
  return nb::tuple(extents);
}

/// Throws: Error unless the array has `size` elements; `what` names it.
template <class Array>
void require_size(const Array& array, Index size, const char* what) {
  if (static_cast<Index>(array.size()) != size)
    fail(what, " has ", array.size(), " elements, must have ", size);
}

/// A NumPy array that is a view of `data`, which `owner` keeps alive.
template <class T, class Owner>
nb::ndarray<nb::numpy, T> view_of(T* data, const Shape& shape, std::shared_ptr<Owner> owner) {
  std::array<std::size_t, Shape::kMaxRank> extents{};
  for (int i = 0; i < shape.rank(); ++i)
    extents[static_cast<std::size_t>(i)] = static_cast<std::size_t>(shape[i]);
  auto kept = std::make_unique<std::shared_ptr<Owner>>(std::move(owner));
  nb::capsule capsule(kept.get(), [](void* p) noexcept { delete static_cast<std::shared_ptr<Owner>*>(p); });
  (void)kept.release();
  return nb::ndarray<nb::numpy, T>(data, static_cast<std::size_t>(shape.rank()), extents.data(), capsule);
}

/// A NumPy array of these numbers.
template <class T>
nb::ndarray<nb::numpy, T> array_of(std::vector<T> values, const Shape& shape) {
  auto owner = std::make_shared<std::vector<T>>(std::move(values));
  T* const data = owner->data();
  return view_of(data, shape, std::move(owner));
}

/// Every setting of a run: as the command's flags would give them.
struct Config {
  TrainConfig values;
  std::vector<std::string> origins;  // of each of settings()
};

}  // namespace bellman::python
