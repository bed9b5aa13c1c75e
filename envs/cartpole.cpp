#include "envs/cartpole.h"

#include <cmath>
#include <utility>

#include "core/check.h"
#include "envs/cartpole_batch.h"
#include "envs/cartpole_step.h"
#include "envs/episode_env.h"

namespace bellman {
namespace {

class CartPole final : public EpisodeEnv {
 public:
  CartPole(EnvSpec spec, bool sutton_barto_reward)
      : EpisodeEnv(std::move(spec), 4), sutton_barto_reward_(sutton_barto_reward) {}

  void observe(std::span<float> out) const override {
    out[0] = static_cast<float>(s_.x);
    out[1] = static_cast<float>(s_.x_dot);
    out[2] = static_cast<float>(s_.theta);
    out[3] = static_cast<float>(s_.theta_dot);
  }

  std::unique_ptr<BatchEnv> batch(Index copies, std::uint64_t seed, Purpose purpose) const override {
    return make_cartpole_batch(std::make_unique<CartPole>(spec(), sutton_barto_reward_), sutton_barto_reward_,
                               copies, seed, purpose);
  }

 private:
  void start(const RandomStream& stream, std::uint64_t draw) override { s_ = cartpole_reset(stream, draw); }

  Transition advance(int action, const RandomStream& /*stream*/, std::uint64_t /*draw*/) override {
    s_ = cartpole_step(s_, action);
    const bool failed = cartpole_failed(s_);
    return {cartpole_reward(failed, sutton_barto_reward_), failed};
  }

  void write_physical(std::span<double> out) const override {
    out[0] = s_.x;
    out[1] = s_.x_dot;
    out[2] = s_.theta;
    out[3] = s_.theta_dot;
  }
  void read_physical(std::span<const double> values) override { s_ = to_state(values); }
  bool is_terminal(std::span<const double> values) const override {
    constexpr const char* kNames[] = {"x", "x_dot", "theta", "theta_dot"};
    constexpr double kMost = 1e30;  // observations are floats
    for (std::size_t i = 0; i < 4; ++i) {
      if (!std::isfinite(values[i])) fail(spec().id, ": ", kNames[i], " is ", values[i], ", must be finite");
      if (std::abs(values[i]) > kMost)
        fail(spec().id, ": ", kNames[i], " is ", values[i], ", must be within ", kMost);
    }
    return cartpole_failed(to_state(values));
  }

  static CartPoleState to_state(std::span<const double> values) {
    return {values[0], values[1], values[2], values[3]};
  }

  CartPoleState s_;
  bool sutton_barto_reward_;
};

}  // namespace

std::unique_ptr<Env> make_cartpole(std::string id, Index max_episode_steps, double reward_threshold,
                                   bool sutton_barto_reward) {
  EnvSpec spec;
  spec.id = std::move(id);
  spec.observation_shape = {4};
  spec.num_actions = CartPolePhysics::kActions;
  spec.max_episode_steps = max_episode_steps;
  spec.reward_threshold = reward_threshold;
  spec.action_names = {"left", "right"};
  if (sutton_barto_reward)
    spec.highest_return = 0;  // the pole never falls
  else if (max_episode_steps > 0)
    spec.highest_return = static_cast<double>(max_episode_steps);
  spec.whole_observations = false;
  return std::make_unique<CartPole>(std::move(spec), sutton_barto_reward);
}

}  // namespace bellman
