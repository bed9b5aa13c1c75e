// Whole DQN runs on a device, each one in a block of it: environments, epsilon-greedy, replay, sampling,
// learn steps, target updates, evaluations. The host starts agents, lets all of them go on for a while, and
// looks at how they are. An agent's run is the one that Trainer (rl/train/trainer.h) makes with the same settings
// on the same random numbers: the same operations in the same order, but for the sums of a learn step
// (core/nn/fused_dqn.h). What an agent does depends on nothing but its own settings: not on the agents beside
// it, and not on how often the host looked.
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

/// The environment as plain data: a task of envs/control/continuous_step.h, or a table. A view, owning nothing.
struct AgentEnv {
  Index inputs = 0, actions = 0;
  Index max_episode_steps = 0;   // 0: no time limit
  Index eval_episode_steps = 0;  // an evaluation's episode is over then
  // Without a table: the task's number, and the reward of a step that ends it and of any other.
  int task = 0;
  double ending_reward = 0, other_reward = 0;
  const TabularTable* table = nullptr;
  std::span<const std::int32_t> start_states = {};
  std::span<const double> start_probabilities = {};
  std::span<const float> observations = {};  // (states, inputs)
};

/// What all agents of a population have in common: it decides how much memory they take.
struct AgentShape {
  DenseChain chain = {};
  Index parameters = 0;  // of an arena, gaps included
  FusedDqnOptions learner = {};
  Index num_envs = 1, slots = 2, n_step = 1;  // slots: of the replay ring, a multiple of num_envs
  bool prioritized = false;
  Index eval_lanes = 1;   // episodes that are evaluated at once, at most
  Index eval_points = 1;  // evaluations that are kept, at most
};

/// start + (end - start) step / duration, then `end`; or max(end, start factor^step).
struct AgentSchedule {
  double start = 0, end = 0;
  Index duration = 0;
  double factor = 0;  // 0: linear
};

/// What agents may differ in; names as in rl/config/train_config.h.
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

/// A whole evaluation, in numbers.
struct AgentEvaluation {
  double timestep = 0;
  double mean = 0, std = 0, min = 0, max = 0, mean_length = 0, episodes = 0;
};

struct AgentEpisode {
  double episode_return = 0;
  Index length = 0, timestep = 0;
};

/// How an agent is.
struct AgentStatus {
  enum class Phase { kIdle, kRunning, kFinished, kFailed };
  Phase phase = Phase::kIdle;
  Index ticks = 0;  // made so far: where launches were cut does not show in it
  Index timestep = 0, gradient_updates = 0, skipped_updates = 0;
  Index solved_at_timestep = -1;  // -1: not solved
  Index model_timestep = 0;
  Index evaluations = 0;                  // so far: curve()
  Index episodes = 0;                     // so far: episodes()
  AgentEvaluation final_evaluation = {};  // of a finished one
  // Of the step that went wrong, when it has failed: words of ReplayOps::report_step and the guard.
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

class AgentKernel {
 public:
  virtual ~AgentKernel() = default;

  /// Places for agents, all idle at first.
  virtual Index places() const = 0;
  /// In a few words, where what lies.
  virtual std::string description() const = 0;

  /// Begins a run in a place, with these initial parameters (in the arena's layout).
  virtual void start(Index place, const AgentSettings& settings, std::span<const float> parameters) = 0;
  /// The place is idle from now on.
  virtual void clear(Index place) = 0;

  /// Every running agent goes on by `ticks`: rounds of its environments with all that is due after them, or
  /// steps of an evaluation. Waits for nothing.
  virtual void advance(Index ticks) = 0;

  /// status(places). Waits.
  virtual void read(std::span<AgentStatus> status) = 0;
  /// The evaluations [first, end) so far. REQUIRES: there are that many.
  virtual std::vector<AgentEvaluation> curve(Index place, Index first, Index end) = 0;
  /// The last episodes, the newest last: at most kEpisodesKept.
  static constexpr Index kEpisodesKept = 128;
  virtual std::vector<AgentEpisode> episodes(Index place) = 0;
  /// What an agent keeps: the best evaluated parameters or the last.
  virtual void kept_parameters(Index place, std::span<float> out) = 0;

  /// All that an agent is, its settings apart, as arrays one after the other. An agent that was started with
  /// the same settings and loads them goes on to the same bits, in any place.
  virtual const std::vector<AgentArray>& arrays() const = 0;
  virtual std::size_t state_bytes() const = 0;
  virtual void save(Index place, std::span<std::byte> state) = 0;
  /// How the agent of a saved state was; of one that had failed, not why. Throws: Error, naming what, for
  /// counts that no such agent has.
  virtual AgentStatus status_of(std::span<const std::byte> state) const = 0;
  /// Throws: Error, naming what, for a state that no such agent can be in.
  virtual void load(Index place, std::span<const std::byte> state) = 0;
};

/// What a device offers that can do it.
class AgentKernelOps {
 public:
  virtual ~AgentKernelOps() = default;
  /// Empty, or why the device cannot, as the end of a sentence.
  virtual std::string agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env) const = 0;
  /// The bytes of the device's memory that a place takes; and those that are free.
  virtual Index agent_kernel_bytes(const AgentShape& shape) const = 0;
  virtual Index free_bytes() const = 0;
  /// Throws: Error when unsupported, or when memory is short. REQUIRES: the device outlives it.
  virtual std::unique_ptr<AgentKernel> make_agent_kernel(const AgentShape& shape, const AgentEnv& env,
                                                         Index places) = 0;
};

}  // namespace bellman
