#include "rl/ranks/ranked_gradient_average.h"

#include <algorithm>

#include "rl/state/rank_share.h"

namespace bellman {
namespace {

/// sum(n) = (part_0 + part_1 + ...)(n) / ranks. REQUIRES: parts hold as many floats for every rank, one after the other.
void average_parts(std::span<float> sum, std::span<const float> parts, std::size_t stride, int ranks) {
  std::copy_n(parts.begin(), sum.size(), sum.begin());
  for (int r = 1; r < ranks; ++r) {
    const float* const part = parts.data() + static_cast<std::size_t>(r) * stride;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  const auto n = static_cast<float>(ranks);
  for (float& value : sum) value /= n;
}

}  // namespace

void RankedGradientAverage::average(std::span<float> gradient, float& loss) {
  if (gradient.size_bytes() < small_) return gather_whole(gradient, loss);
  sum_in_chunks(gradient);
  average_loss(loss);
}

void RankedGradientAverage::gather_whole(std::span<float> gradient, float& loss) {
  const std::size_t stride = gradient.size() + 1;
  const auto ranks = static_cast<std::size_t>(ranks_.size());
  parts_.resize(ranks * stride);
  chunks_.assign(ranks, stride * sizeof(float));
  float* const own = parts_.data() + static_cast<std::size_t>(ranks_.rank()) * stride;
  own[0] = loss;
  std::ranges::copy(gradient, own + 1);
  ranks_.all_gather(std::as_writable_bytes(std::span(parts_)), chunks_);
  average_parts({&loss, 1}, parts_, stride, ranks_.size());
  average_parts(gradient, std::span<const float>(parts_).subspan(1), stride, ranks_.size());
}

void RankedGradientAverage::sum_in_chunks(std::span<float> gradient) {
  const int ranks = ranks_.size();
  const auto elements = static_cast<Index>(gradient.size());
  chunks_.clear();
  for (int r = 0; r < ranks; ++r)
    chunks_.push_back(static_cast<std::size_t>(share_of(elements, r, ranks).count) * sizeof(float));
  const RankShare own = share_of(elements, ranks_.rank(), ranks);
  const auto first = static_cast<std::size_t>(own.first), count = static_cast<std::size_t>(own.count);
  parts_.resize(static_cast<std::size_t>(ranks) * count);
  own_chunks_.assign(static_cast<std::size_t>(ranks), count * sizeof(float));
  const auto bytes = std::as_writable_bytes(gradient);
  ranks_.all_to_all(bytes, chunks_, std::as_writable_bytes(std::span(parts_)), own_chunks_);
  average_parts(gradient.subspan(first, count), parts_, count, ranks);
  ranks_.all_gather(bytes, chunks_);
}

void RankedGradientAverage::average_loss(float& loss) {
  parts_.resize(std::max(parts_.size(), static_cast<std::size_t>(ranks_.size())));
  chunks_.assign(static_cast<std::size_t>(ranks_.size()), sizeof(float));
  parts_[static_cast<std::size_t>(ranks_.rank())] = loss;
  ranks_.all_gather(std::as_writable_bytes(std::span(parts_).first(static_cast<std::size_t>(ranks_.size()))),
                    chunks_);
  average_parts({&loss, 1}, parts_, 1, ranks_.size());
}

}  // namespace bellman
