// The agent whose replay lies in host memory (rl/replay/host_replay.h), beside a learner of any kind.
#pragma once

#include <memory>
#include <vector>

#include "rl/learn/agent.h"
#include "rl/learn/learner.h"
#include "rl/replay/host_replay.h"
#include "rl/state/on_nan.h"

namespace bellman {

class HostAgent final : public Agent {
 public:
  HostAgent(HostReplay replay, std::unique_ptr<Learner> learner, Index num_actions,
            OnNan on_nan = OnNan::kStop);

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
  bool learn(const LearnStep& step) override;
  void update_target(float tau) override { learner_->update_target(tau); }
  LearnSummary take_summary() override;
  Index skipped_updates() override { return skipped_; }
  float last_loss() override { return last_.loss; }
  void get_parameters(std::span<float> out) override { learner_->get_parameters(out); }
  void set_parameters(std::span<const float> in) override { learner_->set_parameters(in); }

  void save(StateWriter& out) override;
  void load(const StateReader& in) override;

 private:
  void skip(const LearnStep& step, const LearnStats& stats);

  HostReplay replay_;
  std::unique_ptr<Learner> learner_;
  std::vector<float> td_errors_;  // (max_batch)
  std::vector<float> q_;          // (E,A)
  LearnStats last_{.loss = std::numeric_limits<float>::quiet_NaN()};
  LearnSummary sums_{0, 0, 0};
  Index steps_ = 0;  // that sums_ is of
  OnNan on_nan_;
  Index skipped_ = 0;
};

}  // namespace bellman
