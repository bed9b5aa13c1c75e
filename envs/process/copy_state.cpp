#include "envs/process/copy_state.h"

#include <cmath>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr std::size_t kBytesPerNumber = 6;  // whole numbers below 2^48 are exact in a double

bool is_count(double x, double most) { return x >= 0 && x <= most && x == std::floor(x); }

}  // namespace

std::vector<double> state_of(const EpisodeCounts& counts, std::span<const std::byte> bytes) {
  std::vector<double> state = {static_cast<double>(bytes.size())};
  for (std::size_t i = 0; i < bytes.size(); i += kBytesPerNumber) {
    std::uint64_t packed = 0;
    for (std::size_t k = 0; k < kBytesPerNumber && i + k < bytes.size(); ++k)
      packed |= std::to_integer<std::uint64_t>(bytes[i + k]) << (8 * k);
    state.push_back(static_cast<double>(packed));
  }
  for (const double count : {static_cast<double>(counts.elapsed), static_cast<double>(counts.resets),
                             static_cast<double>(counts.phase)})
    state.push_back(count);
  return state;
}

std::vector<std::byte> read_state(std::span<const double> state, const std::string& id,
                                  EpisodeCounts& counts) {
  const auto refuse = [&](const char* why) { fail(id, ": an impossible saved state: ", why); };
  if (state.size() < 4 || !is_count(state[0], 0x1p40)) refuse("it has no count of bytes");
  const auto size = static_cast<std::size_t>(state[0]);
  const std::size_t numbers = (size + kBytesPerNumber - 1) / kBytesPerNumber;
  if (state.size() != numbers + 4) refuse("its length is wrong");
  std::vector<std::byte> bytes(size);
  for (std::size_t n = 0; n < numbers; ++n) {
    if (!is_count(state[n + 1], 0x1p48 - 1)) refuse("it has a number that holds no bytes");
    const auto packed = static_cast<std::uint64_t>(state[n + 1]);
    for (std::size_t k = 0; k < kBytesPerNumber && n * kBytesPerNumber + k < size; ++k)
      bytes[n * kBytesPerNumber + k] = static_cast<std::byte>(packed >> (8 * k));
  }
  const std::span<const double> tail = state.last(3);
  if (!is_count(tail[0], 0x1p53) || !is_count(tail[1], 0x1p53) || !is_count(tail[2], 2))
    refuse("its counts are none");
  counts.elapsed = static_cast<Index>(tail[0]);
  counts.resets = static_cast<std::uint64_t>(tail[1]);
  counts.phase = static_cast<EpisodePhase>(static_cast<int>(tail[2]));
  return bytes;
}

}  // namespace bellman
