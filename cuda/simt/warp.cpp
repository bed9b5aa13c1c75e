#include "cuda/simt/warp.h"

#include <ios>

#include "core/base/check.h"

namespace bellman::simt::detail {

const char* name(WarpCall call) {
  switch (call) {
    case WarpCall::kSync:
      return "__syncwarp";
    case WarpCall::kShuffle:
      return "__shfl_sync";
    case WarpCall::kShuffleUp:
      return "__shfl_up_sync";
    case WarpCall::kShuffleDown:
      return "__shfl_down_sync";
    case WarpCall::kShuffleXor:
      return "__shfl_xor_sync";
    case WarpCall::kVote:
      return "__ballot_sync";
  }
  return "?";
}

void Warp::begin(unsigned lanes) {
  running_ = lanes == kLanes ? ~0U : (1U << lanes) - 1;
  rounds_.clear();
}

Round& Warp::join(WarpCall call, unsigned mask, unsigned lane, std::uint64_t word, const Place& place) {
  if (!(mask >> lane & 1U))
    fail(to_string(place), ": ", name(call), ": lane ", lane, " is not in its own mask ", std::hex,
         std::showbase, mask);
  Round& round = rounds_of(mask).current();
  if (round.joined == 0) {
    round.call = call;
    round.place = place;
  } else if (round.call != call) {
    fail(to_string(place), ": lanes of the mask ", std::hex, std::showbase, mask, " call ", name(call),
         " and (", to_string(round.place), ") ", name(round.call));
  }
  round.words[lane] = word;
  round.joined |= 1U << lane;
  return round;
}

unsigned Warp::close_complete_round() {
  for (const auto& rounds : rounds_) {
    const unsigned joined = rounds->current().joined;
    if (joined != 0 && joined == (rounds->mask & running_)) {
      ++rounds->number;
      open(rounds->current());
      return joined;
    }
  }
  return 0;
}

Warp::Rounds& Warp::rounds_of(unsigned mask) {
  for (const auto& rounds : rounds_)
    if (rounds->mask == mask) return *rounds;
  rounds_.push_back(std::make_unique<Rounds>());
  rounds_.back()->mask = mask;
  open(rounds_.back()->current());
  return *rounds_.back();
}

void Warp::open(Round& round) {
  round.joined = 0;
  round.words.fill(~std::uint64_t{0});
}

}  // namespace bellman::simt::detail
