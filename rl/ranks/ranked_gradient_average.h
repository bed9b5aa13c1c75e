// The mean of a gradient in host memory over ranks: every rank sums a chunk of it, in rank order, and all gather the chunks
// (a reduce-scatter and an all-gather, which move 2 (N-1)/N of the gradient through each rank: Thakur et al. 2005).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "rl/learn/gradient_average.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// A sum's order is that of the ranks, whatever the chunks: the same bits on every rank and in every run. Not
/// thread-safe; allocates at its first call only.
class RankedGradientAverage final : public GradientAverage {
 public:
  /// A gradient below `small` bytes is gathered whole and summed by everyone: one message in place of three, to the
  /// same bits. REQUIRES: ranks outlive it.
  explicit RankedGradientAverage(Ranks& ranks, std::size_t small = std::size_t{1} << 16)
      : ranks_(ranks), small_(small) {}

  void average(Tensor gradient, Tensor loss) override { average(gradient.host(), *loss.data()); }
  void average(std::span<float> gradient, float& loss);

 private:
  void gather_whole(std::span<float> gradient, float& loss);
  void sum_in_chunks(std::span<float> gradient);
  void average_loss(float& loss);

  Ranks& ranks_;
  std::size_t small_;
  std::vector<float> parts_;                      // of all ranks
  std::vector<std::size_t> chunks_, own_chunks_;  // (N) in bytes
};

}  // namespace bellman
