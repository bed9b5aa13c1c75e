// What a device brings for training with the devices of other ranks (rl/ranks): the mean of what all have and, where a
// library can do it, an exchange that passes by the host.
#pragma once

#include <memory>
#include <string>

#include "core/base/tensor.h"
#include "core/ops/op_check.h"

namespace bellman {

/// Moves numbers between the devices of N ranks. Every rank makes the same calls in one order, with the same shapes.
/// Tensors lie in the memory of the device's backend. A call is ordered with that backend's ops, and may return before
/// the numbers are there.
class DeviceExchange {
 public:
  virtual ~DeviceExchange() = default;

  /// What moves them: "NCCL 2.28.9".
  virtual std::string description() const = 0;
  /// in(N,C) overwritten: row r is what rank r has in its out(N,C) in the row of this rank.
  virtual void all_to_all(Tensor in, ConstTensor out) = 0;
  /// all(N,C) holds this rank's row when it is called, and every rank's afterwards.
  virtual void all_gather(Tensor all) = 0;
};

class RankOps {
 public:
  virtual ~RankOps() = default;

  /// mean(C) = (parts(N,C)[0] + parts[1] + ... + parts[N-1]) / N, in float and summed in this order: the bits are those
  /// of RankedGradientAverage (rl/ranks), which is the definition. REQUIRES: mean and parts do not overlap.
  /// Throws: Error, naming itself and both shapes, when they do not fit together.
  void mean_of_ranks(Tensor mean, ConstTensor parts) {
    const OpCheck check("mean_of_ranks");
    check.rank("parts", parts, 2, "(N,C)");
    check.not_empty("parts", parts);
    check.shape("mean", mean, {parts[1]}, "parts ", parts.shape());
    do_mean_of_ranks(mean, parts);
  }

  /// Two ranks have the same text when they use the same device.
  virtual std::string device_id() const = 0;
  /// Why there is no exchange from device to device; empty: there is one.
  virtual std::string no_exchange_reason() = 0;
  /// What one rank tells all for make_exchange(). REQUIRES here and below: there is no reason against it.
  virtual std::string new_exchange_id() = 0;
  /// Waits for all ranks. Throws: Error that names the failed call. REQUIRES: the exchange is destroyed before the backend,
  /// on all ranks or after an error.
  virtual std::unique_ptr<DeviceExchange> make_exchange(int rank, int ranks, const std::string& id) = 0;

 protected:
  virtual void do_mean_of_ranks(Tensor mean, ConstTensor parts) = 0;
};

}  // namespace bellman
