// Sixteen carts a block, and in a block a structure of arrays: x of all, then x_dot of all, ... A register
// takes as many carts as it has lanes through the step of cartpole_step.h, the very operations that one cart
// takes: so the bits are the same. Blocks rather than arrays of all carts: arrays whose length is a power of
// two fall on the same few sets of the cache. What is counted is one number a cart, the steps of its episode:
// its draws are those it had made when the episode began, and one a step.
#include "envs/cartpole_batch.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

#include "core/check.h"
#include "core/double_vec.h"
#include "core/rng_vec.h"
#include "envs/cartpole_step.h"
#include "envs/episode_env.h"

namespace bellman {
namespace {

constexpr std::size_t kLanes = kDoubleLanes;
constexpr std::size_t kElements = 4;  // x, x_dot, theta, theta_dot

// A result as one number, so that results of several carts are one vector of them.
static_assert(sizeof(StepResult) == 8 && offsetof(StepResult, reward) == 0 &&
              offsetof(StepResult, terminated) == 4 && offsetof(StepResult, truncated) == 5 &&
              std::endian::native == std::endian::little);
constexpr std::int64_t kTerminated = std::int64_t{1} << 32, kTruncated = std::int64_t{1} << 40;

std::int64_t bits_of_reward(double reward) {
  return static_cast<std::int64_t>(std::bit_cast<std::uint32_t>(static_cast<float>(reward)));
}

using FloatVec = float __attribute__((vector_size(kLanes * sizeof(float))));

/// Row n of out (lanes, 4): the observation of lane n.
void store_rows(float* out, const CartPoleStateOf<DoubleVec>& s) {
  const FloatVec f[kElements] = {
      __builtin_convertvector(s.x, FloatVec), __builtin_convertvector(s.x_dot, FloatVec),
      __builtin_convertvector(s.theta, FloatVec), __builtin_convertvector(s.theta_dot, FloatVec)};
  // (x, x_dot) pairs and (theta, theta_dot) pairs; each pair is then moved as one double.
#if defined(__AVX512F__)
  using Pairs = float __attribute__((vector_size(16 * sizeof(float))));
  const Pairs ab = __builtin_shufflevector(f[0], f[1], 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  const Pairs cd = __builtin_shufflevector(f[2], f[3], 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX__)
  using Pairs = float __attribute__((vector_size(8 * sizeof(float))));
  const Pairs ab = __builtin_shufflevector(f[0], f[1], 0, 4, 1, 5, 2, 6, 3, 7);
  const Pairs cd = __builtin_shufflevector(f[2], f[3], 0, 4, 1, 5, 2, 6, 3, 7);
#else
  using Pairs = float __attribute__((vector_size(4 * sizeof(float))));
  const Pairs ab = __builtin_shufflevector(f[0], f[1], 0, 2, 1, 3);
  const Pairs cd = __builtin_shufflevector(f[2], f[3], 0, 2, 1, 3);
#endif
  const DoubleVec rows_ab = std::bit_cast<DoubleVec>(ab), rows_cd = std::bit_cast<DoubleVec>(cd);
  store_vec(out, interleave<0>(rows_ab, rows_cd));
  store_vec(out + kLanes / 2 * kElements, interleave<kLanes / 2>(rows_ab, rows_cd));
}

/// Two registers that go through the same operations side by side: while one waits for a division the other
/// computes.
struct Two {
  DoubleVec a{}, b{};

  Two() = default;
  Two(DoubleVec first, DoubleVec second) : a(first), b(second) {}
  Two(double value) : a(DoubleVec{} + value), b(a) {}  // a constant in every lane
  friend Two operator+(const Two& x, const Two& y) { return {x.a + y.a, x.b + y.b}; }
  friend Two operator-(const Two& x, const Two& y) { return {x.a - y.a, x.b - y.b}; }
  friend Two operator*(const Two& x, const Two& y) { return {x.a * y.a, x.b * y.b}; }
  friend Two operator/(const Two& x, const Two& y) { return {x.a / y.a, x.b / y.b}; }
};
constexpr std::size_t kTwoLanes = 2 * kLanes;

Two load_two(const double* from) { return {load_vec<DoubleVec>(from), load_vec<DoubleVec>(from + kLanes)}; }

constexpr std::size_t kBlock = 16;
static_assert(kBlock % kTwoLanes == 0);

struct alignas(64) Block {
  double x[kBlock]{}, x_dot[kBlock]{}, theta[kBlock]{}, theta_dot[kBlock]{};
  std::int64_t steps[kBlock]{};        // of the present episode
  std::int64_t first_draws[kBlock]{};  // made up to the episode's beginning
  EpisodePhase phases[kBlock]{};

  CartPoleState get(std::size_t i) const { return {x[i], x_dot[i], theta[i], theta_dot[i]}; }
  void put(std::size_t i, const CartPoleState& s) {
    x[i] = s.x;
    x_dot[i] = s.x_dot;
    theta[i] = s.theta;
    theta_dot[i] = s.theta_dot;
  }
  std::int64_t draws(std::size_t i) const { return first_draws[i] + steps[i]; }
};

void store_observation(float* row, const CartPoleState& s) {
  row[0] = static_cast<float>(s.x);
  row[1] = static_cast<float>(s.x_dot);
  row[2] = static_cast<float>(s.theta);
  row[3] = static_cast<float>(s.theta_dot);
}

class CartPoleBatch final : public BatchEnv {
 public:
  CartPoleBatch(std::unique_ptr<Env> env, bool sutton_barto_reward, Index copies, std::uint64_t seed,
                Purpose purpose)
      : env_(std::move(env)),
        limit_(env_->spec().max_episode_steps > 0 ? env_->spec().max_episode_steps : kNoLimit),
        rewards_{bits_of_reward(cartpole_reward(false, sutton_barto_reward)),
                 bits_of_reward(cartpole_reward(true, sutton_barto_reward))},
        seed_(seed),
        purpose_(purpose),
        copies_(copies),
        blocks_((static_cast<std::size_t>(copies) + kBlock - 1) / kBlock) {
    ended_.reserve(static_cast<std::size_t>(copies) + kBlock);
  }

  const EnvSpec& spec() const override { return env_->spec(); }
  Index size() const override { return copies_; }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    for (std::size_t i = 0; i < which.size(); i += kLanes)
      reset_lanes(observations, which.subspan(i, std::min(kLanes, which.size() - i)));
  }

  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    const auto begin = static_cast<std::size_t>(first), end = begin + actions.size();
    check(begin, actions);
    ended_.clear();
    for (std::size_t e = begin; e < end;) {
      if (e % kBlock == 0 && e + kBlock <= end) {
        step_block(&results[e], &observations[e * kElements], e, &actions[e - begin]);
        e += kBlock;
      } else {
        results[e] = step_one(&observations[e * kElements], e, actions[e - begin]);
        ++e;
      }
    }
    running_ -= static_cast<Index>(ended_.size());
    return ended_;
  }

  std::vector<double> state(Index copy) const override {
    const auto e = static_cast<std::size_t>(copy), i = e % kBlock;
    const Block& block = blocks_[e / kBlock];
    return {block.x[i],
            block.x_dot[i],
            block.theta[i],
            block.theta_dot[i],
            static_cast<double>(block.steps[i]),
            static_cast<double>(block.draws(i)),
            static_cast<double>(block.phases[i])};
  }

  void set_state(Index copy, std::span<const double> state) override {
    env_->set_state(state);  // refuses what cannot be
    const auto e = static_cast<std::size_t>(copy), i = e % kBlock;
    Block& block = blocks_[e / kBlock];
    block.put(i, {state[0], state[1], state[2], state[3]});
    block.steps[i] = static_cast<std::int64_t>(state[4]);
    block.first_draws[i] = static_cast<std::int64_t>(state[5]) - block.steps[i];
    set_phase(block.phases[i], static_cast<EpisodePhase>(state[6]));
  }

 private:
  static constexpr std::int64_t kNoLimit = std::int64_t{1} << 62;

  /// Throws: Error as Env::step, for the first copy that cannot take its action.
  void check(std::size_t begin, std::span<const std::int32_t> actions) const {
    std::uint32_t other_bits = 0;  // than those of 0 and 1
    for (const std::int32_t action : actions) other_bits |= static_cast<std::uint32_t>(action) & ~1U;
    if (other_bits == 0 && running_ == copies_) return;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const std::size_t e = begin + i;
      check_episode_step(spec(), blocks_[e / kBlock].phases[e % kBlock], actions[i]);
    }
  }

  void set_phase(EpisodePhase& phase, EpisodePhase to) {
    running_ += (to == EpisodePhase::kRunning) - (phase == EpisodePhase::kRunning);
    phase = to;
  }

  StepResult step_one(float* observation, std::size_t e, std::int32_t action) {
    const std::size_t i = e % kBlock;
    Block& block = blocks_[e / kBlock];
    const CartPoleState s = cartpole_step(block.get(i), action);
    const bool failed = cartpole_failed(s), truncated = ++block.steps[i] >= limit_;
    block.put(i, s);
    store_observation(observation, s);
    if (failed || truncated) {
      block.phases[i] = EpisodePhase::kOver;
      ended_.push_back(static_cast<Index>(e));
    }
    return {std::bit_cast<float>(static_cast<std::uint32_t>(rewards_[failed ? 1 : 0])), failed, truncated};
  }

  /// As step_one, for the kBlock copies from e on.
  void step_block(StepResult* results, float* observations, std::size_t e, const std::int32_t* actions) {
    Block& block = blocks_[e / kBlock];
    for (std::size_t i = 0; i < kBlock; i += kTwoLanes) {
      const CartPoleStateOf<Two> s = moved(block, i, actions + i);
      store_step(results + i, observations + i * kElements, block, i,
                 {s.x.a, s.x_dot.a, s.theta.a, s.theta_dot.a});
      store_step(results + i + kLanes, observations + (i + kLanes) * kElements, block, i + kLanes,
                 {s.x.b, s.x_dot.b, s.theta.b, s.theta_dot.b});
    }
    for (std::size_t i = 0; i < kBlock; i += 8) {
      // A byte a copy, with one bit where the episode is over: kOver is 2.
      auto over = load_vec<std::uint64_t>(block.phases + i) & 0x0202020202020202;
      for (; over != 0; over &= over - 1)
        ended_.push_back(static_cast<Index>(e + i) + std::countr_zero(over) / 8);
    }
  }

  /// The states after one step of copies i .. i + kTwoLanes - 1 of the block.
  static CartPoleStateOf<Two> moved(const Block& block, std::size_t i, const std::int32_t* actions) {
    using ActionVec = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
    const Two action = {__builtin_convertvector(load_vec<ActionVec>(actions), DoubleVec),
                        __builtin_convertvector(load_vec<ActionVec>(actions + kLanes), DoubleVec)};
    const Two force = cartpole_force(0) + (cartpole_force(1) - cartpole_force(0)) * action;
    const CartPoleStateOf<Two> s = {load_two(block.x + i), load_two(block.x_dot + i),
                                    load_two(block.theta + i), load_two(block.theta_dot + i)};
    return cartpole_step(s, force, sin_cos_of_small(s.theta));
  }

  /// The states after a step of copies i .. i + kLanes - 1 of the block, and all that follows from them.
  void store_step(StepResult* results, float* observations, Block& block, std::size_t i,
                  const CartPoleStateOf<DoubleVec>& s) const {
    using ByteVec = std::int8_t __attribute__((vector_size(kLanes)));
    store_vec(block.x + i, s.x);
    store_vec(block.x_dot + i, s.x_dot);
    store_vec(block.theta + i, s.theta);
    store_vec(block.theta_dot + i, s.theta_dot);
    store_rows(observations, s);

    const IntVec steps = load_vec<IntVec>(block.steps + i) + 1;
    store_vec(block.steps + i, steps);
    const IntVec failed = cartpole_failed(s), truncated = steps >= limit_;
    const IntVec rewards = failed ? rewards_[1] + IntVec{} : rewards_[0] + IntVec{};
    store_vec(results, rewards | (failed & kTerminated) | (truncated & kTruncated));
    // kRunning is 1 and kOver 2: 1 more where it is over.
    store_vec(block.phases + i,
              load_vec<ByteVec>(block.phases + i) - __builtin_convertvector(failed | truncated, ByteVec));
  }

  /// At most kLanes copies.
  void reset_lanes(std::span<float> observations, std::span<const Index> which) {
    WordVec index{}, draws{};
    for (std::size_t lane = 0; lane < which.size(); ++lane) {
      const auto e = static_cast<std::size_t>(which[lane]);
      index[lane] = e;
      draws[lane] = static_cast<std::uint64_t>(blocks_[e / kBlock].draws(e % kBlock));
    }
    const auto [a] = random_words(seed_, purpose_, index, draws, 0);
    const auto [b] = random_words(seed_, purpose_, index, draws, 1);
    const CartPoleStateOf<DoubleVec> s =
        cartpole_initial(uniform_double(a[0], a[1]), uniform_double(a[2], a[3]), uniform_double(b[0], b[1]),
                         uniform_double(b[2], b[3]));
    for (std::size_t lane = 0; lane < which.size(); ++lane) {
      const std::size_t e = index[lane], i = e % kBlock;
      Block& block = blocks_[e / kBlock];
      const CartPoleState initial = {s.x[lane], s.x_dot[lane], s.theta[lane], s.theta_dot[lane]};
      block.put(i, initial);
      block.first_draws[i] = static_cast<std::int64_t>(draws[lane]) + 1;
      block.steps[i] = 0;
      set_phase(block.phases[i], EpisodePhase::kRunning);
      store_observation(&observations[e * kElements], initial);
    }
  }

  std::unique_ptr<Env> env_;  // for its specification and its rules; is not stepped
  std::int64_t limit_;
  std::int64_t rewards_[2];  // as bits: before the fall, and at the fall
  std::uint64_t seed_;
  Purpose purpose_;
  Index copies_, running_ = 0;
  std::vector<Block> blocks_;
  std::vector<Index> ended_;  // by the last step
};

}  // namespace

std::unique_ptr<BatchEnv> make_cartpole_batch(std::unique_ptr<Env> env, bool sutton_barto_reward,
                                              Index copies, std::uint64_t seed, Purpose purpose) {
  return std::make_unique<CartPoleBatch>(std::move(env), sutton_barto_reward, copies, seed, purpose);
}

}  // namespace bellman
