// Copies numbers to and from a backend's memory, which the host may not be able to read.
#pragma once

#include <span>
#include <type_traits>
#include <vector>

#include "core/ops/backend.h"

namespace bellman::test {

template <class T, class U>
std::vector<std::remove_const_t<U>> fetch(BasicBackend<T>& backend, TensorView<U> tensor) {
  std::vector<std::remove_const_t<U>> values(static_cast<std::size_t>(tensor.elements()));
  backend.download(values.data(), tensor.data(), values.size() * sizeof(U));
  return values;
}

/// REQUIRES: as many values as the tensor has elements.
template <class T, class U>
void put(BasicBackend<T>& backend, TensorView<U> tensor, const std::vector<U>& values) {
  backend.upload(tensor.data(), values.data(), values.size() * sizeof(U));
}

}  // namespace bellman::test
