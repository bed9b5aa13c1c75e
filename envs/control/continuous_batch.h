// Many copies of a task of envs/control/continuous_step.h, one in each lane of a register.
//
// A block has 16 copies as a structure of arrays: the first number of all states, then the second of all, ...
// A register takes one copy per lane through the task's step, by the operations of a single copy, so the bits
// are equal. Blocks avoid whole arrays of a power of two in length, which would share a few sets of the
// cache. Each copy counts only the steps of its episode: its draws are the draws before the episode plus
// these.
//
// For .cpp files only, as core/base/vec.h.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/vec.h"
#include "envs/control/continuous_task.h"
#include "envs/env.h"
#include "envs/episode_env.h"

namespace bellman {

using FloatVec = float __attribute__((vector_size(kDoubleLanes * sizeof(float))));

/// Row n of rows (lanes, 4) becomes lane n of the four columns.
inline void store_rows_of_four(float* rows, const FloatVec (&columns)[4]) {
  // Pairs of the first two columns and of the last two; each pair then moves as one double.
#if defined(__AVX512F__)
  using Pairs = float __attribute__((vector_size(16 * sizeof(float))));
  const Pairs ab =
      __builtin_shufflevector(columns[0], columns[1], 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  const Pairs cd =
      __builtin_shufflevector(columns[2], columns[3], 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX__)
  using Pairs = float __attribute__((vector_size(8 * sizeof(float))));
  const Pairs ab = __builtin_shufflevector(columns[0], columns[1], 0, 4, 1, 5, 2, 6, 3, 7);
  const Pairs cd = __builtin_shufflevector(columns[2], columns[3], 0, 4, 1, 5, 2, 6, 3, 7);
#else
  using Pairs = float __attribute__((vector_size(4 * sizeof(float))));
  const Pairs ab = __builtin_shufflevector(columns[0], columns[1], 0, 2, 1, 3);
  const Pairs cd = __builtin_shufflevector(columns[2], columns[3], 0, 2, 1, 3);
#endif
  const DoubleVec rows_ab = std::bit_cast<DoubleVec>(ab), rows_cd = std::bit_cast<DoubleVec>(cd);
  store_vec(rows, interleave<0>(rows_ab, rows_cd));
  store_vec(rows + kDoubleLanes / 2 * 4, interleave<kDoubleLanes / 2>(rows_ab, rows_cd));
}

/// Two registers that take the same operations together: while one waits for a division, the other computes.
struct TwoVecs {
  DoubleVec a{}, b{};
  struct Mask {
    IntVec a, b;
    friend Mask operator&(const Mask& x, const Mask& y) { return {x.a & y.a, x.b & y.b}; }
    friend Mask operator|(const Mask& x, const Mask& y) { return {x.a | y.a, x.b | y.b}; }
  };

  TwoVecs() = default;
  TwoVecs(DoubleVec first, DoubleVec second) : a(first), b(second) {}
  TwoVecs(double value) : a(DoubleVec{} + value), b(a) {}  // NOLINT: a constant in every lane
  friend TwoVecs operator+(const TwoVecs& x, const TwoVecs& y) { return {x.a + y.a, x.b + y.b}; }
  friend TwoVecs operator-(const TwoVecs& x, const TwoVecs& y) { return {x.a - y.a, x.b - y.b}; }
  friend TwoVecs operator*(const TwoVecs& x, const TwoVecs& y) { return {x.a * y.a, x.b * y.b}; }
  friend TwoVecs operator/(const TwoVecs& x, const TwoVecs& y) { return {x.a / y.a, x.b / y.b}; }
  friend Mask operator<(const TwoVecs& x, const TwoVecs& y) { return {x.a < y.a, x.b < y.b}; }
  friend Mask operator>(const TwoVecs& x, const TwoVecs& y) { return {x.a > y.a, x.b > y.b}; }
  friend TwoVecs select(const Mask& mask, const TwoVecs& x, const TwoVecs& y) {
    return {mask.a ? x.a : y.a, mask.b ? x.b : y.b};
  }
  friend bool any_lane(const Mask& mask) {
    const IntVec any = mask.a | mask.b;
    std::int64_t lanes = 0;
    for (int i = 0; i < kDoubleLanes; ++i) lanes |= any[i];
    return lanes != 0;
  }
};

/// Writes an observation.
template <class Task>
void write_observation(float* row, const Numbers<double, kStateSize<Task>>& s) {
#pragma GCC unroll 16
  for (int i = 0; i < kObservationSize<Task>; ++i)
    row[i] = static_cast<float>(Task::template observed<double>(s, i));
}

/// Writes the observations (lanes, elements) of a register's copies.
template <class Task>
void write_observations(float* rows, const Numbers<DoubleVec, kStateSize<Task>>& s) {
  constexpr int kElements = kObservationSize<Task>;
  FloatVec columns[kElements];
#pragma GCC unroll 16
  for (int i = 0; i < kElements; ++i)
    columns[i] = __builtin_convertvector(Task::template observed<DoubleVec>(s, i), FloatVec);
  if constexpr (kElements == 4) {
    store_rows_of_four(rows, columns);
  } else {
    for (int lane = 0; lane < kDoubleLanes; ++lane)
      for (int i = 0; i < kElements; ++i) rows[lane * kElements + i] = columns[i][lane];
  }
}

template <class Task>
class ContinuousBatch final : public BatchEnv {
 public:
  /// `env` is a copy with these rewards; it checks states.
  ContinuousBatch(std::unique_ptr<Env> env, StepRewards rewards, Index copies, const RandomStream& first)
      : env_(std::move(env)),
        limit_(env_->spec().max_episode_steps > 0 ? env_->spec().max_episode_steps : kNoLimit),
        rewards_{bits_of_reward(rewards.going_on), bits_of_reward(rewards.ending)},
        first_(first),
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
    const State s = block.get(i);
    std::vector<double> state(std::begin(s.at), std::end(s.at));
    state.push_back(static_cast<double>(block.steps[i]));
    state.push_back(static_cast<double>(block.draws(i)));
    state.push_back(static_cast<double>(block.phases[i]));
    return state;
  }

  void set_state(Index copy, std::span<const double> state) override {
    env_->set_state(state);  // throws for an impossible state
    const auto e = static_cast<std::size_t>(copy), i = e % kBlock;
    Block& block = blocks_[e / kBlock];
    for (std::size_t k = 0; k < kState; ++k) block.state[k][i] = state[k];
    block.steps[i] = static_cast<std::int64_t>(state[kState]);
    block.first_draws[i] = static_cast<std::int64_t>(state[kState + 1]) - block.steps[i];
    set_phase(block.phases[i], static_cast<EpisodePhase>(state[kState + 2]));
  }

 private:
  static constexpr std::int64_t kNoLimit = std::int64_t{1} << 62;
  static constexpr std::size_t kState = kStateSize<Task>, kElements = kObservationSize<Task>;
  static constexpr std::size_t kLanes = kDoubleLanes, kTwoLanes = 2 * kLanes;
  static constexpr std::size_t kBlock = 16;
  static_assert(kBlock % kTwoLanes == 0);
  using State = Numbers<double, kStateSize<Task>>;

  // A result as one integer, so that the results of several copies are one vector.
  static_assert(sizeof(StepResult) == 8 && offsetof(StepResult, reward) == 0 &&
                offsetof(StepResult, terminated) == 4 && offsetof(StepResult, truncated) == 5 &&
                std::endian::native == std::endian::little);
  static constexpr std::int64_t kTerminated = std::int64_t{1} << 32, kTruncated = std::int64_t{1} << 40;
  static std::int64_t bits_of_reward(double reward) {
    return static_cast<std::int64_t>(std::bit_cast<std::uint32_t>(static_cast<float>(reward)));
  }

  struct alignas(64) Block {
    double state[kState][kBlock]{};
    std::int64_t steps[kBlock]{};        // of the current episode
    std::int64_t first_draws[kBlock]{};  // draws before and by the episode's reset
    EpisodePhase phases[kBlock]{};

    State get(std::size_t i) const {
      State s;
      for (std::size_t k = 0; k < kState; ++k) s.at[k] = state[k][i];
      return s;
    }
    void put(std::size_t i, const State& s) {
      for (std::size_t k = 0; k < kState; ++k) state[k][i] = s.at[k];
    }
    std::int64_t draws(std::size_t i) const { return first_draws[i] + steps[i]; }
  };

  /// Throws: Error as Env::step, for the first copy that cannot take its action.
  void check(std::size_t begin, std::span<const std::int32_t> actions) const {
    std::uint32_t largest = 0;  // a negative one is larger than all
    for (const std::int32_t action : actions) largest = std::max(largest, static_cast<std::uint32_t>(action));
    if (largest < static_cast<std::uint32_t>(kNumActions<Task>) && running_ == copies_) return;
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
    const State s = Task::step(block.get(i), static_cast<double>(action));
    const bool terminated = Task::terminated(s), truncated = ++block.steps[i] >= limit_;
    block.put(i, s);
    write_observation<Task>(observation, s);
    if (terminated || truncated) {
      block.phases[i] = EpisodePhase::kOver;
      ended_.push_back(static_cast<Index>(e));
    }
    return {std::bit_cast<float>(static_cast<std::uint32_t>(rewards_[terminated ? 1 : 0])), terminated,
            truncated};
  }

  /// As step_one, for the kBlock copies from e on.
  void step_block(StepResult* results, float* observations, std::size_t e, const std::int32_t* actions) {
    Block& block = blocks_[e / kBlock];
    for (std::size_t i = 0; i < kBlock; i += kTwoLanes) {
      const Numbers<TwoVecs, kStateSize<Task>> s = moved(block, i, actions + i);
      Numbers<DoubleVec, kStateSize<Task>> a, b;
      for (std::size_t k = 0; k < kState; ++k) {
        a.at[k] = s.at[k].a;
        b.at[k] = s.at[k].b;
      }
      store_step(results + i, observations + i * kElements, block, i, a);
      store_step(results + i + kLanes, observations + (i + kLanes) * kElements, block, i + kLanes, b);
    }
    for (std::size_t i = 0; i < kBlock; i += 8) {
      // One byte per copy, with one bit set where the episode is over: kOver is 2.
      auto over = load_vec<std::uint64_t>(block.phases + i) & 0x0202020202020202;
      for (; over != 0; over &= over - 1)
        ended_.push_back(static_cast<Index>(e + i) + std::countr_zero(over) / 8);
    }
  }

  /// The states after one step of copies i .. i + kTwoLanes - 1 of the block.
  static Numbers<TwoVecs, kStateSize<Task>> moved(const Block& block, std::size_t i,
                                                  const std::int32_t* actions) {
    using ActionVec = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
    const TwoVecs action = {__builtin_convertvector(load_vec<ActionVec>(actions), DoubleVec),
                            __builtin_convertvector(load_vec<ActionVec>(actions + kLanes), DoubleVec)};
    Numbers<TwoVecs, kStateSize<Task>> s;
    for (std::size_t k = 0; k < kState; ++k)
      s.at[k] = {load_vec<DoubleVec>(block.state[k] + i), load_vec<DoubleVec>(block.state[k] + i + kLanes)};
    return Task::step(s, action);
  }

  /// Stores the new states of copies i .. i + kLanes - 1 of the block with their observations, results and
  /// phases.
  void store_step(StepResult* results, float* observations, Block& block, std::size_t i,
                  const Numbers<DoubleVec, kStateSize<Task>>& s) const {
    using ByteVec = std::int8_t __attribute__((vector_size(kLanes)));
    for (std::size_t k = 0; k < kState; ++k) store_vec(block.state[k] + i, s.at[k]);
    write_observations<Task>(observations, s);

    const IntVec steps = load_vec<IntVec>(block.steps + i) + 1;
    store_vec(block.steps + i, steps);
    const IntVec terminated = Task::terminated(s), truncated = steps >= limit_;
    const IntVec rewards = terminated ? rewards_[1] + IntVec{} : rewards_[0] + IntVec{};
    store_vec(results, rewards | (terminated & kTerminated) | (truncated & kTruncated));
    // kRunning is 1 and kOver 2: 1 more where it is over.
    store_vec(block.phases + i,
              load_vec<ByteVec>(block.phases + i) - __builtin_convertvector(terminated | truncated, ByteVec));
  }

  /// At most kLanes copies.
  void reset_lanes(std::span<float> observations, std::span<const Index> which) {
    WordVec index{}, stream{}, draws{};
    for (std::size_t lane = 0; lane < which.size(); ++lane) {
      const auto e = static_cast<std::size_t>(which[lane]);
      index[lane] = e;
      stream[lane] = first_.index + e;
      draws[lane] = static_cast<std::uint64_t>(blocks_[e / kBlock].draws(e % kBlock));
    }
    Numbers<DoubleVec, Task::kDraws> u;  // as in draw_numbers
    for (int i = 0; i < Task::kDraws; i += 2) {
      const auto [words] =
          random_words(first_.seed, first_.purpose, stream, draws, static_cast<std::uint32_t>(i / 2));
      u.at[i] = uniform_double(words[0], words[1]);
      if (i + 1 < Task::kDraws) u.at[i + 1] = uniform_double(words[2], words[3]);
    }
    const Numbers<DoubleVec, kStateSize<Task>> s = Task::initial(u);
    for (std::size_t lane = 0; lane < which.size(); ++lane) {
      const std::size_t e = index[lane], i = e % kBlock;
      Block& block = blocks_[e / kBlock];
      State initial;
      for (std::size_t k = 0; k < kState; ++k) initial.at[k] = s.at[k][lane];
      block.put(i, initial);
      block.first_draws[i] = static_cast<std::int64_t>(draws[lane]) + 1;
      block.steps[i] = 0;
      set_phase(block.phases[i], EpisodePhase::kRunning);
      write_observation<Task>(&observations[e * kElements], initial);
    }
  }

  std::unique_ptr<Env> env_;  // for its spec and checks; never stepped
  std::int64_t limit_;
  std::int64_t rewards_[2];  // as bits: of a step, and of one that ends the task
  RandomStream first_;
  Index copies_, running_ = 0;
  std::vector<Block> blocks_;
  std::vector<Index> ended_;  // by the last step
};

}  // namespace bellman
