// The devices of several ranks, by NCCL (cuda/device/nccl_library.h). Sums are ours (cuda/ops/rank_mean.cu): NCCL moves
// numbers and adds none, because its all-reduce promises no order.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/nn/rank_ops.h"
#include "cuda/device/nccl_library.h"
#include "cuda/device/runtime.h"

namespace bellman::cuda {

/// What RankOps (core/nn/rank_ops.h) asks for, on the current device.
class LibraryExchanges {
 public:
  /// NCCL is opened when it is first asked for. REQUIRES: the stream outlives it and every exchange.
  /// Throws: Error for a BELLMAN_NCCL that means nothing.
  explicit LibraryExchanges(Stream& stream);

  /// The GPU's UUID.
  std::string device_id() const;
  std::string no_reason();
  std::string new_id();
  std::unique_ptr<DeviceExchange> make(int rank, int ranks, const std::string& id);

 private:
  Stream& stream_;
  LibraryChoice choice_;
  std::optional<OpenedNccl> nccl_;
};

}  // namespace bellman::cuda
