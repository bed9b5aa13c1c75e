// The 32 lanes of a warp in calls that exchange words: shuffles, votes and __syncwarp.
//
// The lanes of a mask exchange words in rounds. A round is complete when every lane of the mask that has not
// returned has joined; then all of them read the others' words. A lane may join the mask's next round before
// the others have read this one's words. But that round is not complete before they join it too: so two
// rounds, used in turn, are enough.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/simt/kernel_launch.h"
#include "cuda/simt/sanitizers.h"

namespace bellman::simt::detail {

inline constexpr unsigned kLanes = 32;

enum class WarpCall { kSync, kShuffle, kShuffleUp, kShuffleDown, kShuffleXor, kVote };

/// "__syncwarp", ...
const char* name(WarpCall call);

struct Round {
  WarpCall call = WarpCall::kSync;
  Place place;                              // of the first lane's call
  unsigned joined = 0;                      // a bit a lane
  std::array<std::uint64_t, kLanes> words;  // all ones (NaN) where no lane joined
  Token token;                              // orders memory, for __syncwarp alone
};

class Warp {
 public:
  /// A new warp: lanes 0 .. lanes-1, no rounds.
  void begin(unsigned lanes);

  /// Lane `lane` joins the current round of `mask` with `word`. Throws: Error when it is not in the mask, or
  /// when other lanes have joined this round by another call.
  Round& join(WarpCall call, unsigned mask, unsigned lane, std::uint64_t word, const Place& place);
  /// A lane returned from the kernel: no round waits for it any more.
  void remove(unsigned lane) { running_ &= ~(1U << lane); }
  /// Closes a complete round and returns its lanes; 0 when there is none.
  unsigned close_complete_round();

 private:
  struct Rounds {
    unsigned mask = 0;
    unsigned number = 0;  // of the current one
    std::array<Round, 2> rounds;
    Round& current() { return rounds[number % 2]; }
  };

  Rounds& rounds_of(unsigned mask);
  static void open(Round& round);

  unsigned running_ = 0;                         // lanes that have not returned, a bit each
  std::vector<std::unique_ptr<Rounds>> rounds_;  // a mask each
};

}  // namespace bellman::simt::detail
