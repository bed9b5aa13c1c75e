// The backend of definitions: every op as plain loops over host memory, in float or double. Slow on purpose;
// every other backend is compared with it.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/base/memory.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman {

template <class T>
class ReferenceBackend : public BasicBackend<T> {
 public:
  using typename BasicBackend<T>::Out;
  using typename BasicBackend<T>::In;
  using Number = T;

  const char* name() const override { return "reference"; }

  void* allocate(std::size_t bytes) override { return allocate_host_memory(bytes); }
  void release(void* memory) noexcept override { release_host_memory(memory); }
  void upload(void* destination, const void* host_source, std::size_t bytes) override {
    copy(destination, host_source, bytes);
  }
  void download(void* host_destination, const void* source, std::size_t bytes) override {
    copy(host_destination, source, bytes);
  }
  void copy(void* destination, const void* source, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(destination, source, bytes);
  }

 protected:
  // Also throws Error for an action of td_loss outside 0 .. A-1 and a label of softmax_cross_entropy outside
  // 0 .. O-1.
  BELLMAN_BACKEND_OPS(, override)
};

extern template class ReferenceBackend<float>;
extern template class ReferenceBackend<double>;

/// The definitions of the ops on a replay memory, for backends in host memory: reference and cpu.
class HostReplayOps final : public ReplayOps {
 protected:
  BELLMAN_REPLAY_OPS(, override)
};

}  // namespace bellman
