// Randomness is a function, not a state: the numbers drawn at a step depend on (seed, stream, step) alone.
// They are the same on every backend and for any number of threads, and a resumed run needs only the step.
//
// The function is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), from
// Random123.
#pragma once

#include <array>
#include <cstdint>

#include <Random123/philox.h>

#include "core/base/numeric.h"

namespace bellman {

/// What random numbers are for. Two purposes never share a number.
enum class Purpose : std::uint32_t {
  kInitialisation = 1,         // parameters of a network; the index counts parameter tensors
  kEnvironment = 2,            // dynamics and resets while training; the index is the environment's
  kExploration = 3,            // epsilon-greedy; the index is the environment's
  kReplay = 4,                 // which transitions are sampled
  kEvaluation = 5,             // dynamics and resets while evaluating; the index is the episode's
  kTest = 6,                   // inputs of tests and benches
  kSeeds = 7,                  // seeds derived from a seed
  kEvaluationExploration = 8,  // epsilon-greedy while evaluating; the index is the episode's
  kBootstrap = 9,              // resampling of results, for intervals
};

/// One of 2^64 seeds times 2^8 purposes times 2^24 indices: a sequence of random words, addressed by step and
/// draw.
struct RandomStream {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::kTest;
  std::uint32_t index = 0;  // below 2^24
};

using RandomWords = std::array<std::uint32_t, 4>;

/// Four independent words, uniform on 0 .. 2^32-1. `draw` counts the calls one step makes.
BELLMAN_HOST_DEVICE inline RandomWords random_words(const RandomStream& stream, std::uint64_t step,
                                                    std::uint32_t draw = 0) {
  const r123::Philox4x32::ctr_type counter = {
      {draw, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
       (static_cast<std::uint32_t>(stream.purpose) << 24) | stream.index}};
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)}};
  const r123::Philox4x32::ctr_type words = r123::Philox4x32()(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

/// The n-th seed derived from `seed`, for uses that must not share random numbers.
inline std::uint64_t derived_seed(std::uint64_t seed, std::uint64_t n) {
  const RandomWords words = random_words({seed, Purpose::kSeeds, 0}, n);
  return (static_cast<std::uint64_t>(words[0]) << 32) | words[1];
}

/// A word as a float, uniform on the 2^24 multiples of 2^-24 in [0, 1).
BELLMAN_HOST_DEVICE constexpr float uniform_float(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24F;
}

/// Two words as a double, uniform on the 2^53 multiples of 2^-53 in [0, 1).
BELLMAN_HOST_DEVICE constexpr double uniform_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

/// A word as an index in [0, n). Each index has a probability within 2^-32 of 1/n. REQUIRES: n > 0.
BELLMAN_HOST_DEVICE constexpr std::uint32_t uniform_index(std::uint32_t word, std::uint32_t n) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(word) * n) >> 32);
}

/// The words of one (stream, step) in turn, for code that draws an unknown number of them.
class RandomSequence {
 public:
  explicit RandomSequence(const RandomStream& stream, std::uint64_t step = 0)
      : stream_(stream), step_(step) {}
  std::uint32_t word() {
    if (used_ == 4) {
      words_ = random_words(stream_, step_, draw_++);
      used_ = 0;
    }
    return words_[used_++];
  }
  float uniform() { return uniform_float(word()); }
  /// Uniform on [low, high).
  double uniform(double low, double high) {
    const std::uint32_t first = word();
    return low + (high - low) * uniform_double(first, word());
  }
  /// Standard normal (Box and Muller 1958); the second number of each pair is discarded.
  double normal();

 private:
  RandomStream stream_;
  std::uint64_t step_;
  std::uint32_t draw_ = 0;
  unsigned used_ = 4;
  RandomWords words_{};
};

}  // namespace bellman
