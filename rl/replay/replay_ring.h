// The bookkeeping of a replay memory: which slot holds which observation, and what happened there.
//
// Every observation is stored once. Slot t holds s_t together with the action taken in it, the reward and the
// flags that followed; s_(t+1) is the next slot: each environment has slots of its own. An
// episode's real final observation, which no action follows, takes one slot more, and the next episode's
// first observation the slot after it:
//
//     s_0 a r | s_1 a r | s_2 a r END | s_3 (final) | s'_0 a r | s'_1 (current) | ...oldest...
//
// n-step returns are computed when a batch is assembled, from the rewards of single steps. They stop at the
// end of an episode and never reach the final or the current observation's slot as a start:
//   R = sum_(i<k) gamma^i r_(t+i),   discount gamma^k,   k = min(n, steps left in the episode)  (Sutton 1988)
//
// A state may be a stack of k frames, the newest last. A slot then holds one frame, and a sample's stack is its slot and
// the k - 1 before it; where the episode began later, its first frame fills the front. The k - 1 slots that will be
// overwritten next are only looked back to, never drawn: a drawn stack is always whole.
//
// The ring holds no observations: HostReplay (rl/replay/host_replay.h) and DeviceReplay keep them beside it, in
// host or in device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/memory.h"
#include "rl/replay/replay.h"
#include "rl/state/training_state.h"

namespace bellman {

/// What one write to the ring changed.
struct ReplayWrite {
  /// Where the observation belongs that the write was about: the reset's, or the one that followed the step
  /// (at an episode's end the real final one, not the next reset's).
  Index slot = 0;
  /// The slots that can be sampled from now on, oldest first: none, one, or the up to n last of an episode.
  /// Valid until the next write.
  std::span<const Index> completed;
  /// The slot that could be sampled until now: it was overwritten or, with a stack of k frames, k - 1 slots in
  /// front of it were. Never one of `completed`.
  std::optional<Index> evicted;
};

/// A slot is sampleable from the moment its n steps are complete, or its episode ended within them, until it
/// or one of the k - 1 slots before it is overwritten. A slot takes memory from the moment it is written. Not
/// thread-safe. Only the constructor allocates.
class ReplayRing {
 public:
  /// What a slot holds.
  enum class Kind : std::uint8_t {
    kEmpty,       // never written; 0, as new memory is
    kCurrent,     // the newest observation of a running episode: its action is still to come
    kStep,        // an observation and its step, after which the episode went on
    kTerminated,  // the same, after which the episode was over: nothing is bootstrapped
    kTruncated,   // the same, after which it was cut off: the final observation is bootstrapped
    kFinal,       // the final observation of an episode: no action follows
  };

  /// Each environment gets an equal part of the `capacity` slots; a remainder is left unused. A slot
  /// holds a step, and one more each episode's end.
  /// Throws: Error when envs, n_step, frame_stack < 1; when an environment has fewer than n_step + frame_stack slots (it
  /// could never hold a whole window); when capacity is 2^31 or more; when gamma is outside [0, 1]; when memory is short.
  ReplayRing(Index capacity, Index envs, Index n_step, double gamma, Index frame_stack = 1);
  /// Throws: Error for sizes that the constructor refuses, whatever memory there is.
  static void check_sizes(Index capacity, Index envs, Index n_step, Index frame_stack = 1);

  /// Starts an episode of an environment; the write's slot is for its first observation.
  /// Throws: Error when there is no such environment, or an episode of it is running.
  ReplayWrite begin_episode(Index env);

  /// Ends the running episode without a step that is under way, and starts another: the episode's last step
  /// counts as truncated, and its windows are complete. An episode without a step leaves nothing: the slot is
  /// used again. Throws: Error when there is no such environment, or no episode of it is running.
  ReplayWrite restart_episode(Index env);

  /// Records the step that was taken in the environment's current observation. An episode that both terminated and
  /// was truncated has terminated.
  /// Throws: Error when there is no such environment, no episode of it is running, or the reward is not finite.
  ReplayWrite add(Index env, std::int32_t action, float reward, bool terminated, bool truncated);

  /// Fills in next_slots, actions, rewards, discounts, terminated and the frames for the first `n` slots of
  /// `arrays`, whose weights are left as they are, and returns the n transitions. Slots may repeat.
  /// Throws: Error when n is outside [0, arrays.capacity()], when the arrays have stacks of another length, or a slot
  /// cannot be sampled; names it and what it holds.
  Batch assemble(BatchArrays& arrays, Index n) const;

  /// Slots in all, num_envs() * slots_per_env(): slot numbers are below.
  Index capacity() const { return num_envs() * slots_per_env_; }
  Index num_envs() const { return static_cast<Index>(heads_.size()); }
  /// Environment e has the slots [e slots_per_env(), (e + 1) slots_per_env()).
  Index slots_per_env() const { return slots_per_env_; }
  Index n_step() const { return n_step_; }
  /// The frames of a state, k.
  Index frame_stack() const { return history_ + 1; }
  /// How many slots are sampleable.
  Index size() const { return size_; }
  /// Throws: Error when there is no such slot.
  bool sampleable(Index slot) const;
  /// How many slots of its environment were written after this one was. Throws: Error when there is no such slot.
  /// REQUIRES: the slot has been written.
  Index age(Index slot) const;

  /// The slots that have been written so far; the others are as they were made.
  RowRanges written() const;

  /// All that changes, of the written slots: "replay.written" (E) says how many of each environment's first
  /// slots these are, "replay.heads" (E) which of them is its newest (-1: none).
  void save(StateWriter& out) const;
  /// Throws: Error, naming what is wrong, as StateReader::get, for a state that a ring of this size cannot be
  /// in and for an action that is none of the `num_actions`; the ring is then unchanged.
  void load(const StateReader& in, Index num_actions);

 private:
  void check_env(Index env) const;
  void check_slot(Index slot) const;
  /// The position of a slot among its environment's. The division would cost as much as all else here.
  Index position_of(Index slot) const { return slot < slots_per_env_ ? slot : slot % slots_per_env_; }
  Index slot_of(Index env, Index position) const { return env * slots_per_env_ + position; }
  Index next_position(Index position) const { return position + 1 == slots_per_env_ ? 0 : position + 1; }
  /// `ahead` positions after `position`. REQUIRES: 0 <= ahead <= slots_per_env().
  Index position_after(Index position, Index ahead) const {
    return position + ahead >= slots_per_env_ ? position + ahead - slots_per_env_ : position + ahead;
  }
  Kind& kind(Index slot) { return kinds_[static_cast<std::size_t>(slot)]; }
  Kind kind(Index slot) const { return kinds_[static_cast<std::size_t>(slot)]; }
  /// Completes the `count` oldest of the pending windows; returns their slots. `head`: the position of the
  /// last step.
  std::span<const Index> complete(Index env, Index head, Index count);
  /// Moves the environment's head to the next slot, which becomes of kind `kind`.
  void advance(Index env, Kind kind, ReplayWrite& write);
  /// The steps that a sample from `slot` sums, or 0 when it cannot be sampled.
  Index window(Index slot) const;
  /// Writes the slots of the state at `slot`, oldest first, to the k places from `out` on. REQUIRES: no frame of it was
  /// overwritten.
  void write_frames(Index* out, Index slot) const;
  /// How many of an environment's first slots have been written.
  Index written_in(Index env) const;
  /// As a file has it: arrays of the written slots, environment after environment.
  struct State {
    std::span<const Index> written, heads;  // (E)
    std::span<const Kind> kinds;
    std::span<const std::int32_t> actions;
    std::span<const float> rewards;
  };
  void check_state(const State& state) const;
  void set_state(const State& state);
  /// The newest steps of an environment whose window is incomplete: 0 .. n_step - 1.
  Index count_pending(Index env) const;

  Index n_step_;
  Index history_;  // frames of a state before its newest, k - 1
  Index slots_per_env_;
  Index size_ = 0;
  std::vector<double> gamma_powers_;  // gamma^0 .. gamma^n
  std::vector<Index> heads_;          // (E): position of the newest slot; -1: no slot written yet
  std::vector<Index> pending_;        // (E): steps of the running episode whose window is incomplete
  HostArray<Kind> kinds_;
  HostArray<std::int32_t> actions_;
  HostArray<float> rewards_;
  ChangedBlocks changed_;         // of the three above
  std::vector<Index> completed_;  // (n_step): what the last write's `completed` looks at
};

/// "a finished step", ...: for messages.
const char* description(ReplayRing::Kind kind);
/// Whether a slot of this kind holds the last step of an episode; whether it holds a step.
constexpr bool ends_episode(ReplayRing::Kind kind) {
  return kind == ReplayRing::Kind::kTerminated || kind == ReplayRing::Kind::kTruncated;
}
constexpr bool is_step(ReplayRing::Kind kind) {
  return kind == ReplayRing::Kind::kStep || ends_episode(kind);
}

}  // namespace bellman
