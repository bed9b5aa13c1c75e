// Numbers of several ranks' devices, through the memory of their hosts: where no library moves them from device to device.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/nn/rank_ops.h"
#include "core/ops/backend.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// Waits for the device in every call. Allocates at first only.
class HostExchange final : public DeviceExchange {
 public:
  /// REQUIRES: both outlive it.
  HostExchange(Ranks& ranks, Backend& backend) : ranks_(ranks), backend_(backend) {}

  std::string description() const override { return "host memory"; }
  void all_to_all(Tensor in, ConstTensor out) override;
  void all_gather(Tensor all) override;

 private:
  Ranks& ranks_;
  Backend& backend_;
  std::vector<float> in_, out_;     // on the host
  std::vector<std::size_t> sizes_;  // (N) in bytes
};

}  // namespace bellman
