// The replay of ResidentAgent: observations, transitions and priorities in the backend's memory. The host
// keeps the ring's bookkeeping (which slot holds what) and the list that uniform draws are made from, and
// sends what is new once a round, in one piece:
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
#include "rl/replay/batch.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Values of several types that go to the backend in one piece. Each array starts at a multiple of 16 bytes.
class Packet {
 public:
  Packet(Backend& backend, std::size_t bytes) : host_(bytes), inbox_(backend, bytes) {}
  void clear() { size_ = 0; }
  /// Returns where the array will lie. Throws: Error when the packet is full.
  template <class T>
  TensorView<T> append(std::span<const T> values);
  void send(Backend& backend) { backend.upload(inbox_.data(), host_.data(), size_); }

 private:
  std::vector<std::byte> host_;
  std::size_t size_ = 0;
  Block<float> inbox_;
};

/// Only the constructor allocates.
class ResidentReplay {
 public:
  struct Options {
    bool prioritized = false;
    PriorityPower priorities = {};
    std::uint64_t seed = 1;  // of sampling
    Index most_steps = 1;    // learn steps that are drawn uniformly at once
  };

  /// For observations of `width` elements and learn steps of `batch` transitions. Throws: Error when memory
  /// is short. REQUIRES: backend and ops outlive it; ops work in backend's memory.
  ResidentReplay(Backend& backend, ReplayOps& ops, ReplayRing ring, Index width, ObservationType type,
                 Index batch, const Options& options);

  // ---- experience: as Agent says
  void begin_episode(Index lane, std::span<const float> observation);
  void restart_episode(Index lane, std::span<const float> observation);
  void add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation);

  // ---- from the host to the backend
  bool has_news() const { return !news_.observation_slots.empty(); }
  /// Everything the host knows and the backend does not.
  void send_news();
  /// Draws the slots of learn steps on the host; they travel with the next news, once. REQUIRES: not
  /// prioritized(); steps <= most_steps().
  void draw_uniformly(std::uint64_t first_learn_step, Index steps);
  /// How many can be drawn at once: by priority one, since each step changes them.
  Index most_steps() const { return prioritized() ? 1 : options_.most_steps; }

  // ---- ops on what lies there; nothing comes from the host or goes there
  /// The slots (B) of the learn step: drawn there by priority, with importance weights (B); or those of all
  /// steps (K B) that were drawn on the host.
  ConstIntTensor sample(Tensor weights, const PrioritizedDraw& draw);
  void gather(Tensor observations, ConstIntTensor slots);
  void gather_transitions(const TransitionTensors& batch, ConstIntTensor slots);
  /// Sets where transitions and observations lie, for a step that gathers by itself.
  void describe(FusedDqnMemory& memory) const;
  /// Nothing without priorities, or for a step that the guard holds.
  void update_priorities(ConstIntTensor slots, ConstTensor td_error, ConstIntTensor guard);
  /// (E): where each lane's present observation lies.
  ConstIntTensor lane_slots() const { return lane_slots_there_; }

  bool prioritized() const { return !uniform_; }
  std::uint64_t seed() const { return options_.seed; }
  /// How many transitions can be sampled.
  Index size() const { return ring_.size(); }
  Index lanes() const { return ring_.lanes(); }
  Index width() const { return width_; }
  /// What lies in a slot, as the backend has it; slow.
  std::vector<float> observation(Index slot) const;
  /// The sum-tree's nodes; no tensor without priorities.
  ConstDoubleTensor tree() const;

  void save(StateWriter& out);
  /// Throws: Error as Agent::load.
  void load(const StateReader& in, Index num_actions);

 private:
  /// Transitions on their way, in host memory.
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
  /// What the host knows and the backend does not yet.
  struct News {
    News(Index lanes, Index completed, Index width);
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
  Index most_completed() const { return ring_.lanes() * ring_.n_step(); }
  std::size_t packet_bytes() const;
  void note(Index lane, const ReplayWrite& write, std::span<const float> observation);
  void look_up(Transitions& transitions, std::size_t place, Index slot);
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

  BatchArrays one_;  // a single transition, on its way from the ring
  News news_;
  std::vector<Index> noted_;              // (E): observations of each lane among the news
  std::vector<std::int32_t> lane_slots_;  // (E)
  std::vector<Index> drawn_;              // (B): uniform draws
  std::vector<std::int32_t> drawn_ints_;  // (most_steps() B): of each step
  std::size_t drawn_count_ = 0;           // of them: what has not travelled yet
  std::vector<float> ones_;               // (B)
  ChangedBlocks changed_;                 // of the slots' observations
  Packet packet_;
  ConstIntTensor lane_slots_there_, uniform_slots_there_;
};

}  // namespace bellman
