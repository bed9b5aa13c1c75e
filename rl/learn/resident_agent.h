// The agent whose replay lies in the backend's memory, beside the networks (rl/replay/resident_replay.h). Sampling
// by priority, gathering, learning and weighing the TD errors all happen there, as one recorded sequence:
//
//     prioritized_sample -> gather -> DqnUpdate::run -> prioritized_update
//
// or, where the device has such an op and it is asked for (core/nn/fused_dqn.h),
//
//     prioritized_sample -> FusedDqn::learn -> prioritized_update
//
// Uniform slots are drawn on the host, where nothing but the ring is needed for it, and travel with the news:
// those of several learn steps at once, where the fused op takes them in one launch.
// Nothing in a learn step waits for the device: summaries and TD errors stay there until they are asked for.
// A step that goes wrong is held there, and reported when somebody asks (docs/decisions/0008).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/nn/fused_dqn.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/agent.h"
#include "rl/learn/dqn_update.h"
#include "rl/replay/resident_replay.h"

namespace bellman {

class ResidentAgent final : public Agent {
 public:
  using Options = ResidentReplay::Options;

  /// Draws the batches that HostAgent would draw, from the same random numbers. With `fused`, of backend's
  /// device, a learn step is its op.
  /// Throws: Error as DqnUpdate does, for observations that are to be normalised (the statistics are the
  /// host's), when unsupported_reason() is not empty, or when memory is short. REQUIRES: backend, ops and network
  /// outlive the agent; ops work in backend's memory.
  ResidentAgent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                const LearnerOptions& learner_options, const Options& options, FusedDqnOps* fused = nullptr);

  /// Why a learn step cannot be the device's one op, as a sentence's end; empty when it can.
  static std::string unsupported_reason(const FusedDqnOps& fused, const Network& network,
                                        const LearnerOptions& options);

  /// REQUIRES: learn steps are the device's one op.
  std::string fused_description() const { return "fused, " + fused_->description(); }

  void begin_episode(Index lane, std::span<const float> observation) override {
    replay_.begin_episode(lane, observation);
  }
  void restart_episode(Index lane, std::span<const float> observation) override {
    replay_.restart_episode(lane, observation);
  }
  void add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) override {
    replay_.add(lane, action, reward, terminated, truncated, next_observation);
  }
  void act(std::span<std::int32_t> actions, std::span<const float> observations,
           const EpsilonGreedy& exploration) override;
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override;
  bool learn(const LearnStep& step) override { return learn_steps(step, 1) == 1; }
  /// With uniform sampling and the device's one op: as many in a launch as options.most_steps says.
  Index learn_steps(const LearnStep& first, Index steps) override;
  Index steps_at_once() const override { return fused_ ? replay_.most_steps() : 1; }
  void update_target(float tau) override { update_.update_target(tau); }
  LearnSummary take_summary() override;
  Index skipped_updates() override;
  float last_loss() override;
  void get_parameters(std::span<float> out) override { update_.get_parameters(out); }
  void set_parameters(std::span<const float> in) override { update_.set_parameters(in); }

  void save(StateWriter& out) override;
  void load(const StateReader& in) override;

  // For whoever looks inside.
  const DqnUpdate& update() const { return update_; }
  /// The sum-tree's nodes, in the backend's memory; no tensor without priorities.
  ConstDoubleTensor tree() const { return replay_.tree(); }

 private:
  void learn_at_once(const LearnStep& first, Index steps);
  void learn_on_backend();
  void learn_fused();
  DqnUpdate::Verdict look();

  Backend& backend_;
  ReplayOps& ops_;
  Index batch_size_, actions_;
  ResidentReplay replay_;
  Block<float> sums_;         // (4), in double: ReplayOps::add_learn_stats
  Block<float> report_;       // (kReportWords), in double: ReplayOps::report_step
  Block<float> act_actions_;  // (E)
  DqnUpdate update_;
  std::unique_ptr<FusedDqn> fused_;  // null: op by op

  LearnStep step_;   // the first of the last launch: what learn_on_backend and learn_fused are about
  Index steps_ = 1;  // of that launch
  std::unique_ptr<Recording> recording_;
  OnNan on_nan_;
  Index learn_steps_ = 0;
};

}  // namespace bellman
