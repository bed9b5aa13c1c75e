// The agent whose replay lies in the backend's memory, beside the networks. The host keeps the ring's
// bookkeeping (which slot holds what) and sends what is new once a round; sampling priorities, gathering,
// learning and weighing the TD errors all happen there:
//
//     host     ring.add -> packet: observation, completed transitions, slots that come and go
//                             |  one upload a round
//     backend  scatter -> observations (S,I), transitions (S), sum-tree
//              prioritized_sample -> gather -> DqnUpdate::run -> prioritized_update      one recorded
//              sequence
//
// Uniform slots are drawn on the host, where nothing but the ring is needed for it, and travel in the packet.
// Nothing in a learn step waits for the device: summaries and TD errors stay there until they are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/replay_ops.h"
#include "rl/agent.h"
#include "rl/batch_arrays.h"
#include "rl/dqn_update.h"
#include "rl/replay_ring.h"
#include "rl/sampler.h"

namespace bellman {

class ResidentAgent final : public Agent {
 public:
  struct Options {
    bool prioritized = false;
    PrioritizedOptions priorities;
    std::uint64_t seed = 1;  // of sampling
  };

  /// Draws the batches that HostAgent would draw, from the same random numbers.
  /// Throws: Error as DqnUpdate does, for observations that are to be normalised (the statistics are the
  /// host's), or when memory is short. REQUIRES: backend, ops and network outlive the agent; ops work in
  /// backend's memory.
  ResidentAgent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                const LearnerOptions& learner_options, const Options& options);

  void begin_episode(Index lane, std::span<const float> observation) override;
  void add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) override;
  void act(std::span<std::int32_t> actions, std::span<const float> observations,
           const EpsilonGreedy& exploration) override;
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override;
  bool learn(const LearnStep& step) override;
  void update_target(float tau) override { update_.update_target(tau); }
  LearnSummary take_summary() override;
  float last_loss() override;
  void get_parameters(std::span<float> out) override { update_.get_parameters(out); }
  void set_parameters(std::span<const float> in) override { update_.set_parameters(in); }

  void save(StateWriter& out) override;
  void load(const StateReader& in) override;

  // For whoever looks inside.
  const DqnUpdate& update() const { return update_; }
  /// The sum-tree's nodes, in the backend's memory; no tensor without priorities.
  ConstDoubleTensor tree() const;

 private:
  /// Values of several types that go to the backend in one piece. Each array starts at a multiple of 16
  /// bytes.
  class Packet {
   public:
    Packet(Backend& backend, std::size_t bytes) : host_(bytes), inbox_(backend, bytes) {}
    void clear() { size_ = 0; }
    /// Returns where the array will lie. Throws: Error when the packet is full.
    template <class T>
    TensorView<const T> append(std::span<const T> values);
    void send(Backend& backend) { backend.upload(inbox_.data(), host_.data(), size_); }

   private:
    std::vector<std::byte> host_;
    std::size_t size_ = 0;
    Block<float> inbox_;
  };

  /// What the host knows and the backend does not yet.
  struct News {
    std::vector<std::int32_t> observation_slots;
    std::vector<float> observations;
    std::vector<std::int32_t> changed_slots, changed_to;  // 1: can be sampled, 0: cannot any more
    std::vector<std::int32_t> completed_slots, actions, next_slots;
    std::vector<float> rewards, discounts, terminated;
    void clear();
  };

  std::size_t packet_bytes() const;
  void restore_transitions();
  void restore_priorities(const StateReader& in);
  void note(const ReplayWrite& write, std::span<const float> observation);
  void note_completed(Index slot);
  void send_news();
  void gather(Tensor x, ConstIntTensor slot);
  void learn_on_backend();

  Backend& backend_;
  ReplayOps& ops_;
  Options options_;
  ReplayRing ring_;
  std::unique_ptr<UniformSampler> uniform_;  // null with priorities
  BatchArrays one_;                          // a single transition, on its way from the ring
  Index batch_size_, lanes_, width_, actions_;
  bool bytes_;  // how observations are stored

  Block<float> observations_;  // (S,I)
  struct Transitions {
    Transitions(Backend& backend, Index slots);
    TransitionTensors view(Index slots) const;
    Block<float> action, next_slot, reward, discount, terminated;
  } transitions_;                      // (S)
  Block<float> nodes_, max_priority_;  // the sum-tree, in double
  Block<float> sums_;                  // (4), in double: ReplayOps::add_learn_stats
  Block<float> slots_, act_actions_;
  DqnUpdate update_;

  News news_;
  std::vector<Index> noted_;               // (E): observations of each lane among the news
  std::vector<std::int32_t> lane_slots_;   // (E): where each lane's present observation lies
  std::vector<Index> drawn_;               // (B)
  std::vector<float> ones_;                // (B)
  std::vector<std::int32_t> batch_slots_;  // (B): uniform draws
  Packet packet_;
  ConstIntTensor lane_slots_there_, batch_slots_there_;

  LearnStep step_;  // that learn_on_backend is about
  std::unique_ptr<Recording> recording_;
  Index steps_since_summary_ = 0, learn_steps_ = 0;
};

}  // namespace bellman
