// A lane of an agent's replay ring: what ReplayRing (rl/replay/replay_ring.h) does on the host, slot for
// slot. A lane is one thread's; what the sampler must know of its writes, all lanes at once, is left in
// `changes`.
#pragma once

#include <cstdint>

#include <math.h>  // fma on host and device

#include "cuda/agent_kernel/agent_state.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What a slot holds; the numbers of ReplayRing::Kind.
enum SlotKind : std::uint8_t { kEmpty, kCurrent, kStep, kTerminated, kTruncated, kFinal };

/// A change: the slot can be sampled from now on; or, as ~slot, not any more; or this.
inline constexpr std::int32_t kNoChange = static_cast<std::int32_t>(0x80000000U);

struct LaneSizes {
  int lanes, slots_per_lane, n_step;
  /// A step evicts one slot and completes up to n; the first observation after it evicts one more.
  __device__ int changes_per_lane() const { return n_step + 2; }
};

class LaneReplay {
 public:
  __device__ LaneReplay(const AgentPlaces& at, const LaneSizes& sizes, unsigned char* block, int lane)
      : sizes_(sizes),
        head_(*(reinterpret_cast<std::int32_t*>(block + at.heads) + lane)),
        pending_(*(reinterpret_cast<std::int32_t*>(block + at.pending) + lane)),
        changes_(reinterpret_cast<std::int32_t*>(block + at.changes) + lane * sizes.changes_per_lane()),
        at_(at),
        block_(block),
        first_(lane * sizes.slots_per_lane) {
    for (int i = 0; i < sizes_.changes_per_lane(); ++i) changes_[i] = kNoChange;
  }

  /// Where the newest observation belongs: of the last begin_episode() or add().
  __device__ int slot() const { return first_ + head_; }

  __device__ void begin_episode() { advance(kCurrent); }

  __device__ void add(std::int32_t action, float reward, bool terminated, bool truncated, double gamma) {
    const int slot = first_ + head_;
    of<std::int32_t>(at_.actions)[slot] = action;
    of<float>(at_.rewards)[slot] = reward;
    kinds()[slot] = terminated ? kTerminated : truncated ? kTruncated : kStep;
    const bool ended = terminated || truncated;
    ++pending_;
    const int count = ended ? pending_ : pending_ == sizes_.n_step ? 1 : 0;
    const int last = head_;
    advance(ended ? kFinal : kCurrent);  // first, so that what it evicts stands before what is complete
    for (int i = 0; i < count; ++i) {
      const int position = last - (pending_ - 1 - i);
      complete(position < 0 ? position + sizes_.slots_per_lane : position, gamma);
    }
    pending_ -= count;
  }

 private:
  template <class T>
  __device__ T* of(Index place) const {
    return reinterpret_cast<T*>(block_ + place);
  }
  __device__ std::uint8_t* kinds() const { return of<std::uint8_t>(at_.kinds); }
  __device__ int next(int position) const { return position + 1 == sizes_.slots_per_lane ? 0 : position + 1; }

  __device__ void advance(SlotKind kind) {
    head_ = next(head_);
    std::uint8_t& there = kinds()[first_ + head_];
    if (there == kStep || there == kTerminated || there == kTruncated) *changes_++ = ~(first_ + head_);
    there = kind;
  }

  /// The window that starts at `position` is complete: what it sums to never changes any more.
  __device__ void complete(int position, double gamma) {
    const int slot = first_ + position;
    double sum = 0, power = 1;
    std::uint8_t kind = kStep;
    for (int k = 0; k < sizes_.n_step && kind == kStep; ++k) {
      kind = kinds()[first_ + position];
      sum = fma(power, static_cast<double>(of<float>(at_.rewards)[first_ + position]), sum);
      power *= gamma;
      position = next(position);
    }
    of<std::int32_t>(at_.next_slots)[slot] = first_ + position;
    of<float>(at_.n_rewards)[slot] = static_cast<float>(sum);
    of<float>(at_.discounts)[slot] = static_cast<float>(power);
    of<float>(at_.terminated)[slot] = kind == kTerminated ? 1.0F : 0.0F;
    *changes_++ = slot;
  }

  const LaneSizes sizes_;
  std::int32_t &head_, &pending_;
  std::int32_t* changes_;  // the next free one
  const AgentPlaces& at_;
  unsigned char* const block_;
  const int first_;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
