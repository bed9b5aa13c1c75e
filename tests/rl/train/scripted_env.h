// An environment whose observations say where and when they were made, so that a test can follow them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envs/env.h"

namespace bellman::test {

/// What a step in the t-th step (from 1) of an episode brings.
using StepScript = std::function<StepResult(const RandomStream& stream, Index t, int action)>;

/// observation (3) = (index of the random stream, number of the episode from 0, steps made in it).
class ScriptedEnv final : public Env {
 public:
  ScriptedEnv(int num_actions, StepScript script, double reward_threshold) : script_(std::move(script)) {
    spec_.id = "Scripted-v0";
    spec_.observation_shape = {3};
    spec_.num_actions = num_actions;
    spec_.reward_threshold = reward_threshold;
    for (int a = 0; a < num_actions; ++a) spec_.action_names.push_back(std::to_string(a));
  }

  const EnvSpec& spec() const override { return spec_; }
  void seed(const RandomStream& stream) override {
    stream_ = stream;
    episode_ = -1;
  }
  void reset() override {
    ++episode_;
    t_ = 0;
    over_ = false;
  }
  StepResult step(int action) override {
    if (over_) fail("a step after the end of an episode");
    const StepResult result = script_(stream_, ++t_, action);
    over_ = result.terminated || result.truncated;
    return result;
  }
  void observe(std::span<float> out) const override {
    out[0] = static_cast<float>(stream_.index);
    out[1] = static_cast<float>(episode_);
    out[2] = static_cast<float>(t_);
  }
  std::vector<double> state() const override { return {}; }
  void set_state(std::span<const double>) override {}
  void set_physical_state(std::span<const double>) override {}

 private:
  StepScript script_;
  EnvSpec spec_;
  RandomStream stream_;
  Index episode_ = -1, t_ = 0;
  bool over_ = true;
};

inline EnvFactory scripted_env(int num_actions, StepScript script, double reward_threshold = 1e9) {
  return [num_actions, script = std::move(script), reward_threshold] {
    return std::make_unique<ScriptedEnv>(num_actions, script, reward_threshold);
  };
}

/// Episodes of `length` steps with reward t in step t, ended by `end`.
inline StepScript episodes_of(Index length, StepResult end) {
  return [length, end](const RandomStream&, Index t, int) {
    StepResult result = t == length ? end : StepResult{};
    result.reward = static_cast<float>(t);
    return result;
  };
}
inline constexpr StepResult kTerminated = {.terminated = true};
inline constexpr StepResult kTruncated = {.truncated = true};

}  // namespace bellman::test
