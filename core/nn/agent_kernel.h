// Whole DQN runs in one kernel of a device, one agent per block: environments, epsilon-greedy, replay,
// sampling, learn steps, target updates, evaluations. The host starts agents, advances all of them, and reads
// their status.
//
// An agent's run equals Trainer's (rl/train/trainer.h) with the same settings and random numbers: the same
// operations in the same order, except for the sums of a learn step (core/nn/fused_dqn.h). It depends on the
// agent's own settings alone, not on other agents and not on how often the host reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/nn/fused_dqn.h"

namespace bellman {

struct TabularTable;  // envs/grid/tabular_step.h

/// The environment as plain data: a task of envs/control/continuous_step.h, or a table. A view that owns
/// nothing.
struct AgentEnv {
  Index inputs = 0, actions = 0;
  Index max_episode_steps = 0;   // 0: no time limit
  Index eval_episode_steps = 0;  // the most steps of an evaluation's episode
  // Without a table: the task's number, and the rewards of a step that ends the task and of any other step.
  int task = 0;
  double ending_reward = 0, other_reward = 0;
  const TabularTable* table = nullptr;
  std::span<const std::int32_t> start_states = {};
  std::span<const double> start_probabilities = {};
  std::span<const float> observations = {};  // (states, inputs)
};

/// What all agents of a population share. It determines their memory.
struct AgentShape {
  DenseChain chain = {};
  Index parameters = 0;  // elements of an arena, gaps included
  FusedDqnOptions learner = {};
  Index num_envs = 1, slots = 2, n_step = 1;  // slots: of the replay ring, a multiple of num_envs
  bool prioritized = false;
  Index eval_lanes = 1;   // the most episodes evaluated at once
  Index eval_points = 1;  // the most evaluations kept
};

/// start + (end - start) step / duration, then `end`; or max(end, start factor^step).
struct AgentSchedule {
  double start = 0, end = 0;
  Index duration = 0;
  double factor = 0;  // 0: linear
};

/// Settings that may differ between agents; names as in rl/config/train_config.h.
struct AgentSettings {
  std::uint64_t seed = 1, eval_seed = 1, final_eval_seed = 1;
  Index total_timesteps = 1;
  Index learning_starts = 0, train_frequency = 1, gradient_steps = 1, target_network_frequency = 1;
  Index eval_frequency = 0, eval_episodes = 1, solve_confirm_episodes = 0, final_eval_episodes = 1;
  AgentSchedule epsilon = {}, learning_rate = {}, beta = {};
  FusedDqnOptions learner = {};  // REQUIRES: batch, double_dqn and target_network are the shape's
  double gamma = 0.99, reward_scale = 1, reward_clip = 0, eval_epsilon = 0;
  double solved_return = 0;  // NaN: none
  PriorityPower priorities = {};
  float tau = 1;
  bool keep_best = true, stop_when_solved = false;
};

/// The result of an evaluation.
struct AgentEvaluation {
  double timestep = 0;
  double mean = 0, std = 0, min = 0, max = 0, mean_length = 0, episodes = 0;
};

struct AgentEpisode {
  double episode_return = 0;
  Index length = 0, timestep = 0;
};

struct AgentStatus {
  enum class Phase { kIdle, kRunning, kFinished, kFailed };
  Phase phase = Phase::kIdle;
  Index ticks = 0;  // so far; independent of how they were divided into launches
  Index timestep = 0, gradient_updates = 0, skipped_updates = 0;
  Index solved_at_timestep = -1;  // -1: not solved
  Index model_timestep = 0;
  Index evaluations = 0;                  // so far: curve()
  Index episodes = 0;                     // so far: episodes()
  AgentEvaluation final_evaluation = {};  // of a finished one
  // When it failed, the report on the non-finite step: words of ReplayOps::report_step and of the guard.
  double report[kReportWords] = {};
  Index bad_place = 0;
  bool overflowed = false;
};

/// An array of an agent's state.
struct AgentArray {
  enum class Type { kU8, kI32, kI64, kF32, kF64 };
  std::string name;
  Type type = Type::kF32;
  std::size_t elements = 0;
  std::size_t begin = 0;  // byte of the state, a multiple of 16
};

/// A population of agents on a device.
class AgentKernel {
 public:
  virtual ~AgentKernel() = default;

  /// The number of places for agents, initially all idle.
  virtual Index places() const = 0;
  /// Which memory holds what, in a few words.
  virtual std::string description() const = 0;

  /// Starts a run in a place, with these initial parameters (in the arena's layout).
  virtual void start(Index place, const AgentSettings& settings, std::span<const float> parameters) = 0;
  /// Makes the place idle.
  virtual void clear(Index place) = 0;

  /// Advances every running agent by `ticks`: a tick is a round of its environments with the learning that
  /// follows it, or a step of an evaluation. Asynchronous.
  virtual void advance(Index ticks) = 0;

  /// Writes status(places), after waiting for the device.
  virtual void read(std::span<AgentStatus> status) = 0;
  /// The evaluations [first, end). REQUIRES: end <= AgentStatus::evaluations.
  virtual std::vector<AgentEvaluation> curve(Index place, Index first, Index end) = 0;
  /// The last episodes, at most kEpisodesKept, in order.
  static constexpr Index kEpisodesKept = 128;
  virtual std::vector<AgentEpisode> episodes(Index place) = 0;
  /// The agent's kept parameters: the best evaluated or the last.
  virtual void kept_parameters(Index place, std::span<float> out) = 0;

  /// An agent's whole state except its settings, as consecutive arrays. An agent that is started with the
  /// same settings and loads them continues to the same bits, in any place.
  virtual const std::vector<AgentArray>& arrays() const = 0;
  virtual std::size_t state_bytes() const = 0;
  virtual void save(Index place, std::span<std::byte> state) = 0;
  /// The status in a saved state, without a failure's report. Throws: Error that names the impossible count.
  virtual AgentStatus status_of(std::span<const std::byte> state) const = 0;
  /// Throws: Error that names what is impossible in the state.
  virtual void load(Index place, std::span<const std::byte> state) = 0;
};

/// The interface of a device that has the agent kernel.
class AgentKernelOps {
 public:
  virtual ~AgentKernelOps() = default;
  /// Why the device cannot train such agents, in one line; empty if it can.
  virtual std::string agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env) const = 0;
  /// Bytes of device memory: of one place, and free ones.
  virtual Index agent_kernel_bytes(const AgentShape& shape) const = 0;
  virtual Index free_bytes() const = 0;
  /// Throws: Error when it is unsupported or memory is short. REQUIRES: the device outlives the result.
  virtual std::unique_ptr<AgentKernel> make_agent_kernel(const AgentShape& shape, const AgentEnv& env,
                                                         Index places) = 0;
};

}  // namespace bellman
