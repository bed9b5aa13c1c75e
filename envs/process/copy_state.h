// What is known here of a copy that another process plays, and how it is saved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "envs/episode_env.h"

namespace bellman {

/// What is counted of a copy here; the process counts nothing that a run depends on.
struct EpisodeCounts {
  RandomStream stream{};
  Index elapsed = 0;         // steps of this episode
  std::uint64_t resets = 0;  // so far
  EpisodePhase phase = EpisodePhase::kUnstarted;

  /// Of the next reset.
  std::uint32_t next_seed() { return random_words(stream, resets++)[0] >> 1; }
};

/// Env::state(): the number of bytes, the bytes in sixes, and as EpisodeEnv's the steps, the draws and the phase.
std::vector<double> state_of(const EpisodeCounts& counts, std::span<const std::byte> bytes);

/// The bytes, and the counts into `counts`. Throws: Error for what state_of() cannot have made.
std::vector<std::byte> read_state(std::span<const double> state, const std::string& id,
                                  EpisodeCounts& counts);

}  // namespace bellman
