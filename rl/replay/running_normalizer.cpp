#include "rl/replay/running_normalizer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/base/check.h"

namespace bellman {

RunningNormalizer::RunningNormalizer(Index features) {
  if (features < 1) fail("a normaliser of ", features, " features, must have at least 1");
  const std::size_t n = static_cast<std::size_t>(features);
  mean_.assign(n, 0.0);
  m2_.assign(n, 0.0);
  variance_.assign(n, 1.0);
  scale_.assign(n, 0.0);
  refresh();
}

// Welford 1962, for the k-th observation x: mean_k = mean_(k-1) + (x - mean_(k-1)) / k and
//   m2_k = m2_(k-1) + (x - mean_(k-1)) (x - mean_k).
// Sums of x and x^2 would cancel where the mean is large beside the deviation.
void RunningNormalizer::update(std::span<const float> observations) {
  const std::size_t features = mean_.size();
  if (observations.size() % features != 0)
    fail("observations of ", observations.size(), " elements, must be a multiple of ", features);
  for (std::size_t i = 0; i < observations.size(); ++i)
    if (!std::isfinite(observations[i]))
      fail("element ", i % features, " of an observation is ", observations[i], ", must be finite");

  for (std::size_t row = 0; row < observations.size(); row += features) {
    ++count_;
    for (std::size_t j = 0; j < features; ++j) {
      const double x = observations[row + j];
      const double before = x - mean_[j];
      mean_[j] += before / static_cast<double>(count_);
      m2_[j] += before * (x - mean_[j]);
    }
  }
  refresh();
}

void RunningNormalizer::apply(std::span<float> out, std::span<const float> in) const {
  const std::size_t features = mean_.size();
  if (out.size() != in.size()) fail("normalised observations: ", out.size(), " of ", in.size(), " elements");
  if (in.size() % features != 0)
    fail("observations of ", in.size(), " elements, must be a multiple of ", features);
  for (std::size_t row = 0; row < in.size(); row += features)
    for (std::size_t j = 0; j < features; ++j) {
      const double z = (in[row + j] - mean_[j]) * scale_[j];
      out[row + j] = static_cast<float>(std::clamp(z, -kClip, kClip));
    }
}

void RunningNormalizer::set_state(const State& state) {
  const std::size_t features = mean_.size();
  if (state.count < 0) fail("a normaliser has seen ", state.count, " observations, must be at least 0");
  if (state.mean.size() != features || state.sum_of_squared_differences.size() != features)
    fail("a normaliser of ", features, " features cannot take ", state.mean.size(), " means and ",
         state.sum_of_squared_differences.size(), " sums of squared differences");
  for (std::size_t j = 0; j < features; ++j) {
    const double mean = state.mean[j], m2 = state.sum_of_squared_differences[j];
    if (!std::isfinite(mean)) fail("the mean of feature ", j, " is ", mean, ", must be finite");
    if (!std::isfinite(m2) || m2 < 0)
      fail("the sum of squared differences of feature ", j, " is ", m2, ", must be finite and at least 0");
  }
  count_ = state.count;
  std::copy(state.mean.begin(), state.mean.end(), mean_.begin());
  std::copy(state.sum_of_squared_differences.begin(), state.sum_of_squared_differences.end(), m2_.begin());
  refresh();
}

void RunningNormalizer::refresh() {
  for (std::size_t j = 0; j < mean_.size(); ++j) {
    variance_[j] = count_ == 0 ? 1.0 : m2_[j] / static_cast<double>(count_);
    scale_[j] = 1.0 / std::sqrt(variance_[j] + kEpsilon);
  }
}

void RunningNormalizer::save(StateWriter& out) const {
  out.add("normalizer.count", count_);
  out.add("normalizer.mean", mean_);
  out.add("normalizer.sum_of_squared_differences", m2_);
}

void RunningNormalizer::load(const StateReader& in) {
  const auto mean = in.get<double>("normalizer.mean");
  const auto m2 = in.get<double>("normalizer.sum_of_squared_differences");
  const Index count = in.count("normalizer.count");
  in.hand_over("normalizer.mean, normalizer.sum_of_squared_differences", [&] {
    set_state({count, mean, m2});
  });
}

}  // namespace bellman
