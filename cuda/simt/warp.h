// The 32 lanes of a warp and where they meet: shuffles, votes and __syncwarp.
//
// Lanes meet under a mask. A meeting is complete when every lane of the mask that has not returned has come;
// then all of them read what the others brought. A lane may come to the next meeting under the same mask
// before the others have read this one's words, but that next one is not complete before they come too: so
// two rounds, used in turn, are enough.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/simt/place.h"
#include "cuda/simt/sanitizers.h"

namespace bellman::simt::detail {

inline constexpr unsigned kLanes = 32;

enum class WarpCall { kSync, kShuffle, kShuffleUp, kShuffleDown, kShuffleXor, kVote };

/// "__syncwarp", ...
const char* name(WarpCall call);

struct Round {
  WarpCall call = WarpCall::kSync;
  Place place;                              // of the lane that came first
  unsigned came = 0;                        // a bit a lane
  std::array<std::uint64_t, kLanes> words;  // all ones (NaN) where no lane came
  Token token;                              // orders memory, for __syncwarp alone
};

class Warp {
 public:
  /// A new warp: lanes 0 .. lanes-1, no meetings.
  void begin(unsigned lanes);

  /// Lane `lane` brings `word` to the meeting under `mask`. Throws: Error when it is not in the mask or
  /// others have come to this meeting for something else.
  Round& come(WarpCall call, unsigned mask, unsigned lane, std::uint64_t word, const Place& place);
  /// A lane returned from the kernel; nobody waits for it any more.
  void leave(unsigned lane) { running_ &= ~(1U << lane); }
  /// The lanes of a meeting that was complete, which is thereby closed; 0 when there was none.
  unsigned close_complete_meeting();

 private:
  struct Meeting {
    unsigned mask = 0;
    unsigned number = 0;  // of the round that lanes come to now
    std::array<Round, 2> rounds;
    Round& round() { return rounds[number % 2]; }
  };

  Meeting& meeting(unsigned mask);
  static void open(Round& round);

  unsigned running_ = 0;  // lanes that have not returned, a bit each
  std::vector<std::unique_ptr<Meeting>> meetings_;
};

}  // namespace bellman::simt::detail
