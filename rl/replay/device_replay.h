// Replay in the backend's memory: observations, transitions and priorities. The host keeps the ring's
// bookkeeping (which slot holds what) and the list that uniform draws are made from. It sends what is pending
// once a round, in one piece:
//
//     host     ring.add -> observations, completed transitions, added and removed slots
//                             |  one upload a round
//     backend  scatter  -> observations (S,I), transitions (S), sum-tree
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/nn/fused_dqn.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/replay.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Arrays of several types that go to the backend in one upload. Each starts at a multiple of 16 bytes.
class Packet {
 public:
  Packet(Backend& backend, std::size_t bytes) : host_(bytes), inbox_(backend, bytes) {}
  void clear() { size_ = 0; }
  /// Returns the array's place in the backend's memory. Throws: Error when the packet is full.
  template <class T>
  TensorView<T> append(std::span<const T> values);
  void send(Backend& backend) { backend.upload(inbox_.data(), host_.data(), size_); }

 private:
  std::vector<std::byte> host_;
  std::size_t size_ = 0;
  Block<float> inbox_;
};

/// Only the constructor and look() allocate.
class DeviceReplay final : public Replay {
 public:
  struct Options {
    bool prioritized = false;
    PriorityPower priorities = {};
    std::uint64_t seed = 1;  // of sampling
    Index most_steps = 1;    // learn steps that are drawn uniformly at once
  };

  /// For observations of `width` elements and learn steps of `batch` transitions. Throws: Error when memory
  /// is short. REQUIRES: backend and ops outlive it; ops work in backend's memory.
  DeviceReplay(Backend& backend, ReplayOps& ops, ReplayRing ring, Index width, ObservationType type,
               Index batch, const Options& options);

  void begin_episode(Index env, std::span<const float> observation) override;
  void restart_episode(Index env, std::span<const float> observation) override;
  void add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) override;
  Index size() const override { return ring_.size(); }
  Index num_envs() const override { return ring_.num_envs(); }
  std::optional<DrawnBatch> look(std::uint64_t learn_step, double beta) override;
  void save(StateWriter& out) override;
  void load(const StateReader& in, Index num_actions) override;

  // ---- from the host to the backend
  bool has_pending() const { return !pending_.observation_slots.empty(); }
  /// All that the host knows and the backend does not.
  void send_pending();
  /// Draws the slots of learn steps on the host; the next send_pending() sends them, once. REQUIRES: not
  /// prioritized(); steps <= most_steps().
  void draw_uniformly(std::uint64_t first_learn_step, Index steps);
  /// How many can be drawn together: by priority one, since each step changes the priorities.
  Index most_steps() const { return prioritized() ? 1 : options_.most_steps; }

  // ---- ops in the backend's memory; nothing comes from the host or goes there
  /// The slots (B) of learn step number `learn_step`, drawn by priority, with importance weights (B) of the
  /// exponent `beta`; or the slots of all steps (K B) that the host drew.
  ConstIntTensor sample(Tensor weights, std::uint64_t learn_step, double beta);
  void gather(Tensor observations, ConstIntTensor slots);
  void gather_transitions(const TransitionTensors& batch, ConstIntTensor slots);
  /// Sets the memory of transitions and observations, for a fused step, which gathers by itself.
  void describe(FusedDqnMemory& memory) const;
  /// Does nothing without priorities, or for a step that the guard holds.
  void update_priorities(ConstIntTensor slots, ConstTensor td_error, ConstIntTensor guard);
  /// (E): the slot of each environment's newest observation.
  ConstIntTensor newest_slots() const { return newest_slots_there_; }

  bool prioritized() const { return !uniform_; }
  /// The observation in a slot of the backend's memory. Slow.
  std::vector<float> observation(Index slot) const;
  /// The sum-tree's nodes; no tensor without priorities.
  ConstDoubleTensor tree() const;

 private:
  /// Transitions in host memory.
  struct Transitions {
    explicit Transitions(std::size_t capacity)
        : actions(capacity),
          next_slots(capacity),
          rewards(capacity),
          discounts(capacity),
          terminated(capacity) {}
    std::vector<std::int32_t> actions, next_slots;
    std::vector<float> rewards, discounts, terminated;
  };
  /// What the next send_pending() sends, uniform draws apart.
  struct Pending {
    Pending(Index envs, Index completed, Index width);
    void clear();
    std::vector<std::int32_t> observation_slots;
    std::vector<float> observations;
    std::vector<std::int32_t> changed_slots, changed_to;  // 1: can be sampled, 0: cannot any more
    std::vector<std::int32_t> completed_slots;
    Transitions transitions;  // at completed_slots; the arrays may be longer
  };
  struct TransitionBlocks {
    TransitionBlocks(Backend& backend, Index slots);
    TransitionTensors view(Index slots) const;
    Block<float> action, next_slot, reward, discount, terminated;
  };

  /// The most transitions that the steps of one round complete.
  Index most_completed() const { return ring_.num_envs() * ring_.n_step(); }
  std::size_t packet_bytes() const;
  void record(Index env, const ReplayWrite& write, std::span<const float> observation);
  void fetch(Transitions& transitions, std::size_t place, Index slot);
  std::vector<float> gathered(std::span<const Index> slots);
  void restore_transitions(const RowRange& range);
  void save_priorities(StateWriter& out) const;
  void load_priorities(const StateReader& in);
  DoubleTensor nodes() const;
  DoubleTensor max_priority() const { return max_priority_.view<double>({1}); }

  Backend& backend_;
  ReplayOps& ops_;
  Options options_;
  ReplayRing ring_;
  std::unique_ptr<UniformSampler> uniform_;  // null with priorities
  Index width_;
  bool bytes_;  // how observations are stored

  Block<float> observations_;          // (S,I)
  TransitionBlocks transitions_;       // (S)
  Block<float> nodes_, max_priority_;  // the sum-tree, in double
  Block<float> drawn_there_;           // (B): by priority

  BatchArrays one_;  // a single transition of the ring
  Pending pending_;
  std::vector<Index> pending_rows_;  // (E): how many of the pending observations are each environment's
  std::vector<std::int32_t> newest_slots_;  // (E)
  std::vector<Index> drawn_;                // (B): uniform draws
  std::vector<std::int32_t> drawn_ints_;    // (most_steps() B): of each step
  std::size_t drawn_count_ = 0;             // of them: those that are pending
  std::vector<float> ones_;                 // (B)
  ChangedBlocks changed_;                   // of the slots' observations
  Packet packet_;
  ConstIntTensor newest_slots_there_, uniform_slots_there_;
};

}  // namespace bellman
