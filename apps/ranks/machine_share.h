// How many of a machine's processors belong to one of the ranks that run there.
#pragma once

#include <bitset>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// What a process may use of its machine.
struct MachineShare {
  Index processors = 0;  // 0: all
  int ranks = 1;         // on this machine
  int machines = 1;      // of all ranks
};

constexpr std::size_t kMostProcessors = 1024;

/// Where a rank runs.
struct RankPlace {
  std::string machine;  // equal for ranks on one
  std::bitset<kMostProcessors> processors;
};

/// The share of rank `self`. Each processor is shared by those ranks of the machine that may use it: ranks that mpirun has
/// bound to processors of their own have these, others equal parts. At least one.
MachineShare machine_share_of(const std::vector<RankPlace>& places, std::size_t self);

/// This rank's. Every rank calls it.
MachineShare machine_share(Ranks& ranks);

}  // namespace bellman
