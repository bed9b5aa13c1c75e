// Wraps an environment of the project: a test can change the results of steps and the observations, and is
// called at every step.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "envs/env.h"

namespace bellman::test {

/// `instance`: environments are counted from 0 in the order they are made, a trainer's own before its
/// evaluator's. `step`: steps this instance has made, the one in question included; 0 for what is seen after
/// a reset.
struct Meddling {
  std::function<void(Index instance, Index step, StepResult& result)> with_step;
  std::function<void(Index instance, Index step, std::span<float> observation)> with_observation;
  bool counts_in_state = false;  // the steps made are saved with the environment
};

class MeddledEnv final : public Env {
 public:
  MeddledEnv(std::unique_ptr<Env> env, Index instance, Meddling meddling)
      : env_(std::move(env)), instance_(instance), meddling_(std::move(meddling)) {}

  const EnvSpec& spec() const override { return env_->spec(); }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override {
    env_->reset();
    was_reset_ = true;
  }
  StepResult step(int action) override {
    StepResult result = env_->step(action);
    ++steps_;
    was_reset_ = false;
    if (meddling_.with_step) meddling_.with_step(instance_, steps_, result);
    return result;
  }
  void observe(std::span<float> out) const override {
    env_->observe(out);
    if (meddling_.with_observation) meddling_.with_observation(instance_, was_reset_ ? 0 : steps_, out);
  }
  std::vector<double> state() const override {
    std::vector<double> state = env_->state();
    if (meddling_.counts_in_state) state.push_back(static_cast<double>(steps_));
    return state;
  }
  void set_state(std::span<const double> state) override {
    if (meddling_.counts_in_state) {
      steps_ = static_cast<Index>(state.back());
      state = state.first(state.size() - 1);
    }
    env_->set_state(state);
  }
  void set_physical_state(std::span<const double> values) override { env_->set_physical_state(values); }

 private:
  std::unique_ptr<Env> env_;
  Index instance_, steps_ = 0;
  bool was_reset_ = true;
  Meddling meddling_;
};

inline EnvFactory meddled_env(const EnvOptions& options, Meddling meddling) {
  return [options, meddling = std::move(meddling), made = std::make_shared<Index>(0)] {
    return std::make_unique<MeddledEnv>(make_env(options), (*made)++, meddling);
  };
}

}  // namespace bellman::test
