// The part of an agent's replay ring that belongs to one environment: the same slots as ReplayRing
// (rl/replay/replay_ring.h) on the host. One thread writes it, and leaves in `changes` what the sampler must
// apply for all environments at once.
#pragma once

#include <cstdint>

#include <math.h>  // fma on host and device

#include "cuda/agent_kernel/agent_state.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The contents of a slot; the numbers of ReplayRing::Kind.
enum SlotKind : std::uint8_t { kEmpty, kCurrent, kStep, kTerminated, kTruncated, kFinal };

/// A change is a slot that can be sampled from now on; or, as ~slot, one that no longer can; or kNoChange.
inline constexpr std::int32_t kNoChange = static_cast<std::int32_t>(0x80000000U);

class EnvReplay {
 public:
  __device__ EnvReplay(const AgentPlaces& at, const RingShape& sizes, unsigned char* block, int env)
      : sizes_(sizes),
        head_(*(reinterpret_cast<std::int32_t*>(block + at.heads) + env)),
        pending_(*(reinterpret_cast<std::int32_t*>(block + at.pending) + env)),
        changes_(reinterpret_cast<std::int32_t*>(block + at.changes) + env * sizes.changes_per_env()),
        at_(at),
        block_(block),
        first_(env * sizes.slots_per_env) {
    for (int i = 0; i < sizes_.changes_per_env(); ++i) changes_[i] = kNoChange;
  }

  /// The slot of the newest observation: that of the last begin_episode() or add().
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
    advance(ended ? kFinal : kCurrent);  // first, so that its eviction comes before the completed slots
    for (int i = 0; i < count; ++i) {
      const int position = last - (pending_ - 1 - i);
      complete(position < 0 ? position + sizes_.slots_per_env : position, gamma);
    }
    pending_ -= count;
  }

 private:
  template <class T>
  __device__ T* of(Index place) const {
    return reinterpret_cast<T*>(block_ + place);
  }
  __device__ std::uint8_t* kinds() const { return of<std::uint8_t>(at_.kinds); }
  __device__ int next(int position) const { return position + 1 == sizes_.slots_per_env ? 0 : position + 1; }

  __device__ void advance(SlotKind kind) {
    head_ = next(head_);
    std::uint8_t& there = kinds()[first_ + head_];
    if (there == kStep || there == kTerminated || there == kTruncated) *changes_++ = ~(first_ + head_);
    there = kind;
  }

  /// The n-step window that starts at `position` is complete: its sum is final.
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

  const RingShape sizes_;
  std::int32_t &head_, &pending_;
  std::int32_t* changes_;  // the next free entry
  const AgentPlaces& at_;
  unsigned char* const block_;
  const int first_;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
