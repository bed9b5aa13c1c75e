// Changes files as an attacker would: the hashes stay right.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "rl/state/training_state.h"

namespace bellman::test {

/// The tensor's bytes become these values.
template <class T>
void set(TensorFile& file, const std::string& name, const std::vector<T>& values) {
  for (FileTensor& tensor : file.tensors) {
    if (tensor.name != name) continue;
    const auto bytes = std::as_bytes(std::span(values));
    tensor.dtype = dtype_of<T>();
    tensor.shape = {values.size()};
    tensor.bytes.assign(bytes.begin(), bytes.end());
    return;
  }
  FAIL("no tensor ", name);
}

/// Another hand changes the file, and makes its hashes right.
inline void forge(const std::filesystem::path& path, const std::function<void(TensorFile&)>& how) {
  Checkpoint checkpoint = load_checkpoint(path);
  how(checkpoint.state);
  save_checkpoint(path, checkpoint);
}

}  // namespace bellman::test
