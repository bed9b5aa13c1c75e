// Observations brought to mean 0 and variance 1, by what has been seen so far.
#pragma once

#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Mean and (population) variance of each of I features, in double, updated observation by observation
/// (Welford 1962): order matters to the last bits, threads do not. Only the constructor allocates.
class RunningNormalizer {
 public:
  static constexpr double kEpsilon = 1e-8;  // added to the variance
  static constexpr double kClip = 10;       // normalised values stay within +-10

  /// Throws: Error when `features` is below 1.
  explicit RunningNormalizer(Index features);

  /// Takes n observations (n,I) into account. Throws: Error when the length is no multiple of I, or a value
  /// is not finite, which it names; then nothing has changed.
  void update(std::span<const float> observations);

  /// out(n,I) = clip((in - mean) / sqrt(variance + epsilon), +-10). out may be in itself. Before the first
  /// update, mean is 0 and variance 1.
  /// Throws: Error when the lengths differ or are no multiple of I.
  void apply(std::span<float> out, std::span<const float> in) const;

  Index features() const { return static_cast<Index>(mean_.size()); }
  Index count() const { return count_; }
  std::span<const double> mean() const { return mean_; }          // (I)
  std::span<const double> variance() const { return variance_; }  // (I)

  /// All that changes.
  struct State {
    Index count = 0;
    std::span<const double> mean;                        // (I)
    std::span<const double> sum_of_squared_differences;  // (I), from the mean
  };
  State state() const { return {count_, mean_, m2_}; }
  /// Throws: Error for wrong lengths, a negative count or sum, or a value that is not finite; then nothing
  /// has changed.
  void set_state(const State& state);
  void save(StateWriter& out) const;
  /// Throws: Error as set_state does, and as StateReader::get.
  void load(const StateReader& in);

 private:
  void refresh();

  Index count_ = 0;
  std::vector<double> mean_;
  std::vector<double> m2_;        // sum of squared differences from the mean
  std::vector<double> variance_;  // m2 / count; 1 before the first update
  std::vector<double> scale_;     // 1 / sqrt(variance + epsilon)
};

}  // namespace bellman
