// The mean over ranks of a gradient in the memory of a device. It is RankedGradientAverage's, sum for sum: what moves
// numbers is a DeviceExchange, and what adds them is a kernel.
#pragma once

#include <cstddef>
#include <memory>

#include "core/nn/rank_ops.h"
#include "core/ops/backend.h"
#include "rl/learn/gradient_average.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// The same bits as RankedGradientAverage's on every rank, whichever exchange. Waits for nothing that its exchange does not
/// wait for. Not thread-safe; allocates at its first call only.
class DeviceGradientAverage final : public GradientAverage {
 public:
  /// Without an exchange numbers go through host memory and `ranks`. A gradient below `small` bytes is gathered whole and
  /// summed by everyone. REQUIRES: all outlive it; `ops` and `exchange` are of the device of `backend`.
  DeviceGradientAverage(Backend& backend, RankOps& ops, Ranks& ranks, DeviceExchange* exchange = nullptr,
                        std::size_t small = std::size_t{1} << 16);

  void average(Tensor gradient, Tensor loss) override;

 private:
  void allocate(Index elements);

  Backend& backend_;
  RankOps& ops_;
  std::unique_ptr<DeviceExchange> through_host_;
  DeviceExchange& exchange_;
  Index rank_, ranks_;
  std::size_t small_;
  Index elements_ = 0;  // of the gradient
  bool is_whole_ = false;
  // Gathered whole: every rank's gradient and loss in parts_, their mean in numbers_. Otherwise the gradient and its loss
  // are in numbers_, as a row for each rank: what rank r sums is in row r, and parts_ has every rank's row of this rank.
  Tensor numbers_, parts_;
  Block<float> numbers_block_, parts_block_;
};

}  // namespace bellman
