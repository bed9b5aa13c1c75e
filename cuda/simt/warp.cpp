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
  meetings_.clear();
}

Round& Warp::come(WarpCall call, unsigned mask, unsigned lane, std::uint64_t word, const Place& place) {
  if (!(mask >> lane & 1U))
    fail(to_string(place), ": ", name(call), ": lane ", lane, " is not in its own mask ", std::hex,
         std::showbase, mask);
  Round& round = meeting(mask).round();
  if (round.came == 0) {
    round.call = call;
    round.place = place;
  } else if (round.call != call) {
    fail(to_string(place), ": lanes of the mask ", std::hex, std::showbase, mask, " call ", name(call),
         " and (", to_string(round.place), ") ", name(round.call));
  }
  round.words[lane] = word;
  round.came |= 1U << lane;
  return round;
}

unsigned Warp::close_complete_meeting() {
  for (const auto& meeting : meetings_) {
    const unsigned came = meeting->round().came;
    if (came != 0 && came == (meeting->mask & running_)) {
      ++meeting->number;
      open(meeting->round());
      return came;
    }
  }
  return 0;
}

Warp::Meeting& Warp::meeting(unsigned mask) {
  for (const auto& meeting : meetings_)
    if (meeting->mask == mask) return *meeting;
  meetings_.push_back(std::make_unique<Meeting>());
  meetings_.back()->mask = mask;
  open(meetings_.back()->round());
  return *meetings_.back();
}

void Warp::open(Round& round) {
  round.came = 0;
  round.words.fill(~std::uint64_t{0});
}

}  // namespace bellman::simt::detail
