// The training step of a replay in the backend's memory (rl/replay/device_replay.h). It is one recorded
// sequence of ops:
//
//     prioritized_sample -> gather -> DqnUpdate::run -> prioritized_update
//
// or, where the device has such an op and it is asked for (core/nn/fused_dqn.h),
//
//     prioritized_sample -> FusedDqn::learn -> prioritized_update
//
// The host draws uniform slots, for which it needs the ring alone, and sends them with what else is new: the
// slots of several learn steps at once where the fused op takes these in one launch. Nothing waits for the
// device: sums and TD errors stay there until the host asks for them. A step that is not finite is held
// there, and reported when the host asks (docs/decisions/0008).
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "core/nn/fused_dqn.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/agent.h"
#include "rl/learn/dqn_update.h"
#include "rl/replay/device_replay.h"

namespace bellman {

class DeviceTrainingStep final : public TrainingStep {
 public:
  /// Throws: Error as DqnUpdate does, for observations that are to be normalised (the statistics are the
  /// host's), when `fused` cannot train this (rl/learn/make_learner.h), or when memory is short. REQUIRES:
  /// backend, ops, network and replay outlive it; all memory is backend's.
  DeviceTrainingStep(Backend& backend, ReplayOps& ops, const Network& network, const LearnerOptions& options,
                     DeviceReplay& replay, FusedDqnOps* fused);

  std::string description() const override;
  void act(std::span<std::int32_t> actions, std::span<const float> observations,
           const EpsilonGreedy& exploration) override;
  void learn(const LearnStep& first, Index steps) override;
  /// With uniform sampling and the fused op: as many as the replay's options say.
  Index most_steps() const override { return fused_ ? replay_.most_steps() : 1; }
  bool is_asynchronous() const override { return true; }
  StepVerdict verdict() override;
  NonFiniteStep non_finite_step() override;
  std::array<double, 4> take_sums() override;
  float last_loss() override;
  void save(StateWriter& out) override;
  void load(const StateReader& in) override;
  void set_skipped(Index skipped) override { update_.set_skipped(skipped); }

 private:
  void run_ops();
  void run_fused();

  Backend& backend_;
  ReplayOps& ops_;
  DeviceReplay& replay_;
  DqnUpdate& update_;  // the learner's
  Index batch_size_;
  Block<float> sums_;                // (4), in double: ReplayOps::add_learn_stats
  Block<float> report_;              // (kReportWords), in double: ReplayOps::report_step
  Block<float> act_actions_;         // (E)
  std::unique_ptr<FusedDqn> fused_;  // null: op by op

  LearnStep step_;   // the first of the last launch: what run_ops and run_fused read
  Index steps_ = 1;  // of that launch
  std::unique_ptr<Recording> recording_;
  Index learn_steps_ = 0;
};

}  // namespace bellman
