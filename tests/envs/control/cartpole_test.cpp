// CartPole against Gymnasium's trajectories (scripts/golden/envs.py), and its own rules.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/control/cartpole_step.h"
#include "envs/env.h"
#include "tests/support/compare.h"
#include "tests/support/error_message.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

constexpr double kTolerance = 1e-12;

/// Knuth's linear congruential generator, as in the script: actions and initial states by formula.
class Lcg {
 public:
  explicit Lcg(double seed) : x_(static_cast<std::uint64_t>(seed)) {}
  std::uint64_t bits(int n) {
    x_ = x_ * 6364136223846793005U + 1442695040888963407U;
    return x_ >> (64 - n);
  }
  double uniform() { return static_cast<double>(bits(53)) * 0x1p-53; }

 private:
  std::uint64_t x_;
};

void start_episode(Env& env, Lcg& lcg) {
  std::vector<double> state(4);
  for (double& x : state) x = -0.05 + 0.1 * lcg.uniform();
  env.set_physical_state(state);
}

std::vector<double> physical(const Env& env) {
  std::vector<double> state = env.state();
  state.resize(4);
  return state;
}

void check_state(const Env& env, const double* expected) {
  const std::vector<double> state = physical(env);
  check_within<double, double>(state, {expected, 4}, std::vector<double>(4, kTolerance));
}

/// Plays the golden episodes of one section; the number of steps made.
Index check_random_play(const std::string& section, const EnvOptions& options) {
  const Golden golden("golden_cartpole");
  const HostTensor<double>& episodes = golden[section + ".episodes"];
  const auto env = make_env(options);
  Lcg lcg(golden.number(section + ".seed"));
  Index steps = 0;
  for (std::size_t row = 0; row < episodes.size(); row += 8) {
    INFO("episode " << row / 8);
    start_episode(*env, lcg);
    double episode_return = 0;
    StepResult last;
    for (Index length = static_cast<Index>(episodes[row]), t = 1; t <= length; ++t, ++steps) {
      last = env->step(static_cast<int>(lcg.bits(1)));
      episode_return += static_cast<double>(last.reward);
      REQUIRE((last.terminated || last.truncated) == (t == length));
    }
    CHECK(last.terminated == (episodes[row + 1] != 0));
    CHECK(last.truncated == (episodes[row + 2] != 0));
    CHECK(episode_return == episodes[row + 3]);
    check_state(*env, &episodes[row + 4]);
  }
  return steps;
}

TEST_CASE("CartPole-v1 is Gymnasium's over 10 000 random steps") {
  CHECK(check_random_play("random", {}) >= 10'000);
}

TEST_CASE("truncation is not termination: CartPole under a limit of 20 ends each way, and both at once") {
  EnvOptions options;
  options.max_episode_steps = 20;
  CHECK(check_random_play("limit_20", options) >= 2'000);

  const Golden golden("golden_cartpole");
  const HostTensor<double>& episodes = golden["limit_20.episodes"];
  int only_terminated = 0, only_truncated = 0, both = 0;
  for (std::size_t row = 0; row < episodes.size(); row += 8) {
    const bool terminated = episodes[row + 1] != 0, truncated = episodes[row + 2] != 0;
    only_terminated += terminated && !truncated;
    only_truncated += truncated && !terminated;
    both += terminated && truncated;
  }
  CHECK(only_terminated > 0);
  CHECK(only_truncated > 0);
  CHECK(both > 0);
}

TEST_CASE("CartPole's reward after Sutton and Barto is -1 for the fall alone") {
  EnvOptions options;
  options.sutton_barto_reward = true;
  CHECK(check_random_play("sutton_barto", options) >= 500);
}

TEST_CASE("CartPole is truncated after 200 (v0) and 500 (v1) steps, where Gymnasium's controller is") {
  const Golden golden("golden_cartpole");
  for (const std::string section : {"controlled.v0", "controlled.v1"}) {
    EnvOptions options;
    options.id = golden.text(section + ".env_id");
    CAPTURE(options.id);
    const HostTensor<double>& states = golden[section + ".states"];
    const auto env = make_env(options);
    Lcg lcg(golden.number(section + ".seed"));
    start_episode(*env, lcg);
    std::size_t row = 0;
    for (Index t = 1; t <= env->spec().max_episode_steps; ++t) {
      const std::vector<double> s = physical(*env);
      const StepResult result = env->step(0.05 * s[0] + 0.1 * s[1] + s[2] + 0.25 * s[3] > 0 ? 1 : 0);
      REQUIRE(!result.terminated);
      REQUIRE(result.truncated == (t == env->spec().max_episode_steps));
      if (static_cast<double>(t) != states[row]) continue;
      check_state(*env, &states[row + 1]);
      // An upright pole is unstable: within 500 steps a difference of one bit grows to the size of the state.
      // So the next 50 steps are compared from Gymnasium's state on.
      std::vector<double> state = env->state();
      std::copy_n(&states[row + 1], 4, state.begin());
      env->set_state(state);
      row += 5;
    }
    CHECK(row == states.size());
  }
}

TEST_CASE("CartPole starts uniformly within 0.05, from draws that are its own") {
  const auto env = make_env({});
  env->seed({7, Purpose::kTest, 3});
  constexpr int kEpisodes = 4000;
  std::vector<double> mean(4), square(4);
  for (int i = 0; i < kEpisodes; ++i) {
    env->reset();
    const std::vector<double> state = physical(*env);
    for (std::size_t k = 0; k < 4; ++k) {
      REQUIRE(state[k] >= -0.05);
      REQUIRE(state[k] < 0.05);
      mean[k] += state[k] / kEpisodes;
      square[k] += state[k] * state[k] / kEpisodes;
    }
  }
  // A uniform number on (-c, c) has mean 0 and variance c^2/3; the bounds are 5 standard errors.
  const double variance = 0.05 * 0.05 / 3;
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(std::abs(mean[k]) <= 5 * std::sqrt(variance / kEpisodes));
    CHECK(std::abs(square[k] - variance) <= 5 * variance * std::sqrt(0.8 / kEpisodes));
  }
}

TEST_CASE(
    "CartPole's four initial numbers do not depend on one another, nor does a start on the one before") {
  const auto env = make_env({});
  env->seed({8, Purpose::kTest, 4});
  constexpr int kEpisodes = 4000;
  std::vector<double> before(4), products(16), with_before(16);
  for (int i = 0; i < kEpisodes; ++i) {
    env->reset();
    const std::vector<double> state = physical(*env);
    for (std::size_t k = 0; k < 16; ++k) {
      products[k] += state[k / 4] * state[k % 4] / kEpisodes;
      with_before[k] += state[k / 4] * before[k % 4] / kEpisodes;
    }
    before = state;
  }
  // The product of two independent ones has mean 0 and the standard deviation c^2/3.
  const double bound = 5 * 0.05 * 0.05 / 3 / std::sqrt(kEpisodes);
  for (std::size_t k = 0; k < 16; ++k) {
    if (k / 4 != k % 4) CHECK(std::abs(products[k]) <= bound);
    CHECK(std::abs(with_before[k]) <= bound);
  }
}

TEST_CASE("CartPole fails strictly beyond its limits") {
  using P = CartPole;
  const auto cartpole_failed = [](const CartPole::State<double>& s) { return CartPole::terminated(s) != 0; };
  CHECK(P::kMaxX == 2.4);
  CHECK(P::kMaxTheta == 0.20943951023931953);  // Gymnasium's 12 * 2 * math.pi / 360
  CHECK(!cartpole_failed({{P::kMaxX, 0, P::kMaxTheta, 0}}));
  CHECK(!cartpole_failed({{-P::kMaxX, 0, -P::kMaxTheta, 0}}));
  CHECK(cartpole_failed({{std::nextafter(P::kMaxX, 3), 0, 0, 0}}));
  CHECK(cartpole_failed({{std::nextafter(-P::kMaxX, -3), 0, 0, 0}}));
  CHECK(cartpole_failed({{0, 0, std::nextafter(P::kMaxTheta, 1), 0}}));
  CHECK(cartpole_failed({{0, 0, std::nextafter(-P::kMaxTheta, -1), 0}}));
}

TEST_CASE("CartPole's observation is its state as floats") {
  const auto env = make_env({});
  env->set_physical_state(std::vector<double>{0.1, -0.2, 0.03, 0.4});
  std::vector<float> observation(4);
  env->observe(observation);
  CHECK(observation == std::vector<float>{0.1F, -0.2F, 0.03F, 0.4F});
}

TEST_CASE("CartPole refuses states that it cannot be in") {
  const auto env = make_env({});
  const auto message = [&](const std::vector<double>& state) {
    return error_message([&] { env->set_physical_state(state); });
  };
  CHECK(message({0, 0, 0}) == "CartPole-v1: a physical state of 3 numbers, must be 4");
  CHECK(message({0, std::nan(""), 0, 0}) == "CartPole-v1: x_dot is nan, must be finite");
  CHECK(message({0, 0, 0, HUGE_VAL}) == "CartPole-v1: theta_dot is inf, must be finite");
  CHECK(message({0, -2e30, 0, 0}) == "CartPole-v1: x_dot is -2e+30, must be from -1e+30 to 1e+30");
  CHECK(message({0, 0, 0, 2e30}) == "CartPole-v1: theta_dot is 2e+30, must be from -1e+30 to 1e+30");
  CHECK(message({2.5, 0, 0, 0}) == "CartPole-v1: no episode starts in a state that ends it");
}

}  // namespace
}  // namespace bellman::test
