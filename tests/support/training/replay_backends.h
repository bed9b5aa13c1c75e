// Every implementation of the ops on a replay memory that this build has, for tests with one body for all of
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"
#include "core/reference/reference_backend.h"
#include "tests/support/backends.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {

struct ReplayBackend {
  std::string name;
  std::unique_ptr<Backend> backend;     // of the memory
  std::unique_ptr<ReplayOps> host_ops;  // null where the backend has ops of its own
  ReplayOps* ops = nullptr;
};

inline std::vector<ReplayBackend> replay_backends() {
  std::vector<ReplayBackend> all;
  all.push_back({"host", std::make_unique<ReferenceBackend<float>>(), std::make_unique<HostReplayOps>()});
  all.back().ops = all.back().host_ops.get();
  for (std::unique_ptr<DeviceBackend>& device : device_backends()) {
    std::string name = device->name();
    ReplayOps& ops = device->replay_ops();
    all.push_back({std::move(name), std::move(device), nullptr, &ops});
  }
  return all;
}

/// Tensors in a backend's memory.
class PlacedTensors {
 public:
  explicit PlacedTensors(Backend& backend) : backend_(backend) {}

  /// A copy of `tensor` there, which ops may change.
  template <class T>
  TensorView<T> put(const HostTensor<T>& tensor) {
    blocks_.emplace_back(backend_,
                         std::max<std::size_t>(tensor.size(), 1) * sizeof(T));  // even of none: a tensor
    backend_.upload(blocks_.back().data(), tensor.values().data(), tensor.size() * sizeof(T));
    return blocks_.back().template view<T>(tensor.shape());
  }
  /// Filled with a number that an overwriting op must replace.
  template <class T>
  TensorView<T> put_output(const Shape& shape) {
    return put(HostTensor<T>(shape, T(77)));
  }
  template <class T>
  HostTensor<T> get(TensorView<T> tensor) {
    HostTensor<T> host(tensor.shape());
    backend_.download(host.values().data(), tensor.data(), host.size() * sizeof(T));
    return host;
  }

 private:
  Backend& backend_;
  std::deque<Block<float>> blocks_;
};

/// f(ops, tensors) for each of them; a failure within names the backend.
template <class F>
void for_each_replay_backend(F f) {
  for (const ReplayBackend& named : replay_backends()) {
    INFO("backend: ", named.name);
    PlacedTensors tensors(*named.backend);
    f(*named.ops, tensors);
  }
}

}  // namespace bellman::test
