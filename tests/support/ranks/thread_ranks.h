// Ranks as threads of one process: for tests under sanitizers, without MPI.
#pragma once

#include <functional>

#include "rl/ranks/ranks.h"

namespace bellman::test {

/// What a rank's abort() throws here.
struct RanksAborted {
  int rank = 0, status = 0;
};

/// Calls `work` on each of `size` threads, with that thread's view of all of them, and returns when all have returned.
/// When one throws, those that wait for it end, and so does this function with the first exception. Throws: also Error
/// when ranks call collectives that do not agree, with both calls; and when a message was sent and never received.
void on_thread_ranks(int size, const std::function<void(Ranks&)>& work);

}  // namespace bellman::test
