#include "rl/replay/replay_ring.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/memory.h"

namespace bellman {

const char* description(ReplayRing::Kind kind) {
  using Kind = ReplayRing::Kind;
  switch (kind) {
    case Kind::kEmpty:
      return "nothing";
    case Kind::kCurrent:
      return "the current observation";
    case Kind::kStep:
      return "a step";
    case Kind::kTerminated:
      return "a step that terminated its episode";
    case Kind::kTruncated:
      return "a step that truncated its episode";
    case Kind::kFinal:
      return "an episode's final observation";
  }
  return "something unknown";
}

void ReplayRing::check_sizes(Index capacity, Index envs, Index n_step, Index frame_stack) {
  if (envs < 1) fail("a replay of ", envs, " environments, must have at least 1");
  if (n_step < 1) fail("returns of ", n_step, " steps, must be of at least 1");
  if (capacity >= Index{1} << 31) fail("a replay of ", capacity, " slots, must have fewer than 2^31");
  if (frame_stack < 1 || frame_stack >= Index{1} << 31)
    fail("frame_stack is ", frame_stack, ", must be at least 1 and below 2^31");
  if (capacity / envs >= n_step + frame_stack) return;
  if (frame_stack == 1)
    fail("a replay of ", capacity, " slots gives each of ", envs, " environments ", capacity / envs,
         ", but returns of ", n_step, " steps need at least ", n_step + 1);
  fail("a replay of ", capacity, " slots gives each of ", envs, " environments ", capacity / envs,
       ", but returns of ", n_step, " steps with a frame_stack of ", frame_stack, " need at least ",
       n_step + frame_stack);
}

ReplayRing::ReplayRing(Index capacity, Index envs, Index n_step, double gamma, Index frame_stack)
    : n_step_(n_step), history_(frame_stack - 1) {
  check_sizes(capacity, envs, n_step, frame_stack);
  if (!(gamma >= 0 && gamma <= 1)) fail("gamma is ", gamma, ", must be in [0, 1]");
  slots_per_env_ = capacity / envs;
  const std::size_t slots = static_cast<std::size_t>(slots_per_env_ * envs);
  constexpr std::size_t kBytesPerSlot = sizeof(Kind) + sizeof(std::int32_t) + sizeof(float);
  check_memory(static_cast<Index>(slots * kBytesPerSlot), "the replay's steps");
  kinds_ = HostArray<Kind>(slots);
  actions_ = HostArray<std::int32_t>(slots);
  rewards_ = HostArray<float>(slots);
  changed_ = ChangedBlocks(slots);
  heads_.assign(static_cast<std::size_t>(envs), -1);
  pending_.assign(static_cast<std::size_t>(envs), 0);
  completed_.assign(static_cast<std::size_t>(n_step), 0);
  gamma_powers_.assign(static_cast<std::size_t>(n_step) + 1, 1.0);
  for (std::size_t k = 1; k < gamma_powers_.size(); ++k) gamma_powers_[k] = gamma * gamma_powers_[k - 1];
}

void ReplayRing::check_env(Index env) const {
  if (env < 0 || env >= num_envs()) fail("there is no environment ", env, " in a replay of ", num_envs());
}

ReplayWrite ReplayRing::begin_episode(Index env) {
  check_env(env);
  const Index head = heads_[static_cast<std::size_t>(env)];
  if (head >= 0 && kind(slot_of(env, head)) == Kind::kCurrent)
    fail("an episode cannot begin in environment ", env, " before the running one has ended");
  ReplayWrite write;
  advance(env, Kind::kCurrent, write);
  return write;
}

ReplayWrite ReplayRing::add(Index env, std::int32_t action, float reward, bool terminated, bool truncated) {
  check_env(env);
  const Index head = heads_[static_cast<std::size_t>(env)];
  if (head < 0 || kind(slot_of(env, head)) != Kind::kCurrent)
    fail("a step cannot be added to environment ", env, " before an episode begins");
  if (!std::isfinite(reward))
    fail("the reward of a step in environment ", env, " is ", reward, ", must be finite");

  const Index slot = slot_of(env, head);
  actions_[static_cast<std::size_t>(slot)] = action;
  rewards_[static_cast<std::size_t>(slot)] = reward;
  kind(slot) = terminated ? Kind::kTerminated : truncated ? Kind::kTruncated : Kind::kStep;
  changed_.mark(static_cast<std::size_t>(slot));

  // The window that started n - 1 steps ago is complete now; at an episode's end all pending ones are.
  const bool ended = terminated || truncated;
  Index& pending = pending_[static_cast<std::size_t>(env)];
  ++pending;
  ReplayWrite write;
  write.completed = complete(env, head, ended ? pending : pending == n_step_ ? 1 : 0);
  advance(env, ended ? Kind::kFinal : Kind::kCurrent, write);
  return write;
}

std::span<const Index> ReplayRing::complete(Index env, Index head, Index count) {
  Index& pending = pending_[static_cast<std::size_t>(env)];
  for (Index i = 0; i < count; ++i) {
    const Index position = head - (pending - 1 - i);
    completed_[static_cast<std::size_t>(i)] =
        slot_of(env, position < 0 ? position + slots_per_env_ : position);
  }
  pending -= count;
  size_ += count;
  return {completed_.data(), static_cast<std::size_t>(count)};
}

ReplayWrite ReplayRing::restart_episode(Index env) {
  check_env(env);
  const Index head = heads_[static_cast<std::size_t>(env)];
  if (head < 0 || kind(slot_of(env, head)) != Kind::kCurrent)
    fail("an episode cannot be ended in environment ", env, " before it begins");
  ReplayWrite write;
  const Index last = head == 0 ? slots_per_env_ - 1 : head - 1;
  if (kind(slot_of(env, last)) != Kind::kStep) {
    write.slot = slot_of(env, head);
    return write;
  }
  kind(slot_of(env, last)) = Kind::kTruncated;
  kind(slot_of(env, head)) = Kind::kFinal;
  changed_.mark(static_cast<std::size_t>(slot_of(env, last)));
  changed_.mark(static_cast<std::size_t>(slot_of(env, head)));
  write.completed = complete(env, last, pending_[static_cast<std::size_t>(env)]);
  advance(env, Kind::kCurrent, write);
  return write;
}

// Slots of an environment are overwritten in the order they were written in, so that one write can break one window
// at most: that which starts in the overwritten slot or, with a stack of k frames, k - 1 slots after it, which looks
// back to it. All others lie wholly in newer slots. That window is complete, since it started at least n steps ago: an
// environment has at least n + k slots.
void ReplayRing::advance(Index env, Kind new_kind, ReplayWrite& write) {
  Index& head = heads_[static_cast<std::size_t>(env)];
  head = next_position(head);
  write.slot = slot_of(env, head);
  const Index lost = slot_of(env, position_after(head, history_));
  if (is_step(kind(lost))) {
    write.evicted = lost;
    --size_;
  }
  kind(write.slot) = new_kind;
  changed_.mark(static_cast<std::size_t>(write.slot));
}

Index ReplayRing::window(Index slot) const {
  if (history_ > 0 && is_step(kind(slot)) && age(slot) >= slots_per_env_ - history_) return 0;
  Index position = position_of(slot);
  const Index first = slot - position;
  for (Index k = 1; k <= n_step_; ++k) {
    const Kind here = kind(first + position);
    if (ends_episode(here)) return k;
    if (here != Kind::kStep) return 0;
    position = next_position(position);
  }
  return n_step_;
}

void ReplayRing::check_slot(Index slot) const {
  if (slot < 0 || slot >= capacity()) fail("there is no slot ", slot, " in a replay of ", capacity());
}

bool ReplayRing::sampleable(Index slot) const {
  check_slot(slot);
  return window(slot) > 0;
}

Index ReplayRing::age(Index slot) const {
  check_slot(slot);
  const Index behind = heads_[static_cast<std::size_t>(slot / slots_per_env_)] - slot % slots_per_env_;
  return behind >= 0 ? behind : behind + slots_per_env_;
}

Batch ReplayRing::assemble(BatchArrays& arrays, Index n) const {
  if (n < 0 || n > arrays.capacity())
    fail("a batch of ", n, " transitions, the arrays hold ", arrays.capacity());
  if (arrays.frame_stack != frame_stack())
    fail("arrays for states of ", arrays.frame_stack, " frames, the replay's have ", frame_stack());
  for (std::size_t b = 0; b < static_cast<std::size_t>(n); ++b) {
    const Index slot = arrays.slots[b];
    check_slot(slot);
    const Index k = window(slot);
    if (k == 0)
      fail("slot ", slot, " of the replay cannot be sampled: it holds ", description(kind(slot)),
           !is_step(kind(slot))                     ? ""
           : age(slot) >= slots_per_env_ - history_ ? " whose earlier frames are overwritten"
                                                    : " whose return is not complete");
    Index position = position_of(slot);
    const Index first = slot - position;
    double sum = 0;
    Kind last = Kind::kStep;
    for (Index i = 0; i < k; ++i) {
      const std::size_t at = static_cast<std::size_t>(first + position);
      // Fused here and on a device (cuda/agent_kernel/env_replay.cuh): the same bits.
      sum = std::fma(gamma_powers_[static_cast<std::size_t>(i)], static_cast<double>(rewards_[at]), sum);
      last = kinds_[at];
      position = next_position(position);
    }
    arrays.next_slots[b] = first + position;
    arrays.actions[b] = actions_[static_cast<std::size_t>(slot)];
    arrays.rewards[b] = static_cast<float>(sum);
    arrays.discounts[b] = static_cast<float>(gamma_powers_[static_cast<std::size_t>(k)]);
    // Only `terminated` stops bootstrapping. A time limit is not the end of the world: the state after it
    // still has value.
    arrays.terminated[b] = last == Kind::kTerminated ? 1.0F : 0.0F;
    if (history_ == 0) continue;
    write_frames(arrays.frames.data() + b * static_cast<std::size_t>(frame_stack()), slot);
    write_frames(arrays.next_frames.data() + b * static_cast<std::size_t>(frame_stack()),
                 arrays.next_slots[b]);
  }
  return arrays.first(n);
}

// A slot belongs to the same episode as the one before it when that one holds a step: an episode's last step is
// followed by its final observation, and that by another episode's first.
void ReplayRing::write_frames(Index* out, Index slot) const {
  Index position = position_of(slot);
  const Index first = slot - position;
  for (Index i = history_; i >= 0; --i) {
    out[i] = first + position;
    const Index before = position == 0 ? slots_per_env_ - 1 : position - 1;
    if (is_step(kind(first + before))) position = before;
  }
}

Index ReplayRing::written_in(Index env) const {
  const Index head = heads_[static_cast<std::size_t>(env)];
  if (head < 0) return 0;
  return kind(slot_of(env, slots_per_env_ - 1)) == Kind::kEmpty ? head + 1 : slots_per_env_;
}

RowRanges ReplayRing::written() const {
  RowRanges ranges;
  for (Index env = 0; env < num_envs(); ++env) {
    const auto begin = static_cast<std::size_t>(slot_of(env, 0));
    const std::size_t end = begin + static_cast<std::size_t>(written_in(env));
    if (!ranges.empty() && ranges.back().end == begin)
      ranges.back().end = end;
    else if (begin < end)
      ranges.push_back({begin, end});
  }
  return ranges;
}

}  // namespace bellman
