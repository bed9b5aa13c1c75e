// The backend of definitions: every op as plain loops over host memory, in float or double. Slow on purpose;
// every other backend is compared with it.
#pragma once

#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman {

// ---- The backend of definitions: every op as plain loops over host memory, in float or double. Slow on purpose;
// every other backend is held against it.

template <class T>
class ReferenceBackend : public BasicBackend<T> {
 public:
  using typename BasicBackend<T>::Out;
  using typename BasicBackend<T>::In;
  using Number = T;

  const char* name() const override { return "reference"; }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

 protected:
  // Throws: Error, too, for an action of td_loss that is not in 0 .. A-1 and a label of softmax_cross_entropy
  // that is not in 0 .. O-1.
  BELLMAN_BACKEND_OPS(, override)
};

extern template class ReferenceBackend<float>;
extern template class ReferenceBackend<double>;

// ---- The definition of the ops on a replay memory, as plain loops over host memory.

/// For the backends whose memory is the host's: reference and cpu.
class HostReplayOps final : public ReplayOps {
 protected:
  BELLMAN_REPLAY_OPS(, override)
};

}  // namespace bellman
