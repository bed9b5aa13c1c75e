// What rank 0 of a sweep and the others write to each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/sweep/over_ranks/run_pool.h"

namespace bellman {

struct SweepMessage {
  enum Kind : std::uint64_t {
    // to rank 0
    kHello,     // value: how many runs train here at a time
    kProgress,  // run, value: its timestep
    kEnded,     // run, value: its timestep; file: its record (none: cut), model: its model (none: it failed)
    kStop,      // value: the signal that ends the sweep
    // from rank 0
    kTrain,  // run
    kCut,    // all runs
    kLeave
  };
  Kind kind = kHello;
  std::uint64_t run = 0;
  std::int64_t value = 0;
  std::vector<std::byte> record = {}, model = {};  // safetensors files
};

std::vector<std::byte> bytes_of(const SweepMessage& message);
/// REQUIRES: they are those of a message.
SweepMessage message_of(std::span<const std::byte> bytes);

/// kEnded, and what it says.
SweepMessage message_of(const EndedRun& ended);
EndedRun ended_run_of(const SweepMessage& message);

}  // namespace bellman
