// The state of an agent of a population (core/nn/agent_kernel.h): counts, numbers, and arrays in its own
// block of device memory; and what a launch passes to the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/nn/agent_kernel.h"
#include "cuda/agent_kernel/device_env.cuh"
#include "cuda/base/runtime.h"
#include "cuda/fused/dqn_layout.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What an agent does in its next tick.
enum class AgentPhase : std::int64_t {
  kIdle,
  kBegin,      // first episodes
  kRound,      // every environment makes a step; then what is due after it
  kEvalBegin,  // first states of an evaluation's episodes
  kEvalStep,   // a step of all running episodes, or the evaluation's result
  kKeep,       // keeps the parameters
  kFinish,     // training is over
  kFinal,      // loads the kept parameters and evaluates them
  kFinished,
  kFailed,
};
enum class EvalKind : std::int64_t { kPeriodic, kConfirming, kFinal };

/// Names as in RunCounts (rl/train/run_counts.h).
struct AgentCounts {
  AgentPhase phase;
  std::int64_t ticks;  // made so far
  std::int64_t rounds, timestep, gradient_updates;
  std::int64_t sampleable;  // of uniform sampling
  EvalKind eval_kind;
  std::int64_t eval_step, eval_envs, first_episode, next_episode;
  std::int64_t finishing;  // the evaluation is the one after the last step
  std::int64_t evaluated_timestep, solved_at_timestep, model_timestep;
  std::int64_t points, episodes;  // so far
  std::int64_t eval_running;      // episodes that still run
};

struct AgentNumbers {
  double kept_eval_mean;  // NaN: nothing is kept yet
  double max_priority;
  AgentEvaluation final_evaluation;
};

struct AgentControl {
  AgentCounts counts;
  AgentNumbers numbers;
};

inline constexpr Index kControlWords = sizeof(AgentControl) / 8;

/// Where an agent's arrays begin, in bytes from its block's start. The controls of all agents lie side by
/// side elsewhere, so that the host reads them at once. Letters: E environments, S slots, n steps of a
/// return, B batch, V episodes that are evaluated at once, I inputs, N floats of an arena.
struct AgentPlaces {
  Index physical, elapsed, draws, returns;             // (E,kStateNumbers), (E), (E), (E)
  Index heads, pending;                                // (E): as ReplayRing's
  Index kinds, actions, rewards;                       // (S): likewise
  Index next_slots, n_rewards, discounts, terminated;  // (S): what batches are made of
  Index observations;                                  // (S,I)
  Index listed, listed_at;  // (S): UniformSampler's list, and where a slot stands in it
  Index nodes;              // (2 leaves): PrioritizedSampler's tree
  Index eval_physical, eval_returns,
      eval_ends;  // (V,kStateNumbers), (V), (V): step after which it ended, 0: it runs
  Index points;   // AgentEvaluation (eval_points)
  Index episode_returns, episode_lengths, episode_timesteps;  // (kEpisodesKept)
  Index online, target, m, v, kept;                           // (N)
  Index td_error, loss, norm, guard, sums, report;
  Index state_bytes;  // up to here
  // Scratch, without meaning between ticks.
  Index outside;               // (3, padded parameters)
  Index slots, weights;        // (B)
  Index changes;               // (E, n + 2): env_replay.cuh
  Index ended, ended_returns;  // (E): length of the episode that ended in the round, 0: none
  Index sorted_returns;        // (V)
  Index block_bytes;
};

/// The places; and in `arrays` those of them that make up a saved state.
AgentPlaces agent_places(const AgentShape& shape, const DqnLayout& layout,
                         std::vector<AgentArray>* arrays = nullptr);

/// Leaves of the sum-tree.
Index agent_leaves(const AgentShape& shape);

/// The replay ring of an agent: each environment has a part of its own.
struct RingShape {
  int envs, slots_per_env, n_step;
  /// A step evicts one slot and completes up to n; the first observation after it evicts one more.
  __device__ int changes_per_env() const { return n_step + 2; }
};

/// A launch: one agent a block.
struct AgentLaunch {
  DqnLayout layout;
  AgentPlaces places;
  DeviceEnv env;
  RingShape ring;
  bool prioritized;
  Index leaves, eval_points;
  int depth;
  const AgentSettings* settings;  // of each agent, as the next two
  AgentControl* controls;
  unsigned char* blocks;
  int ticks;
};

/// Bytes of a block's shared memory for the loop's own data, beside the layout's.
int agent_shared_bytes();
/// Queues the launch for its first `agents` agents.
void run_agents(Stream& stream, const AgentLaunch& given, Index agents);

/// Throws: Error that names the count that no agent of this shape can have.
void check_agent_counts(const AgentCounts& counts, const AgentShape& shape);

/// The counts, and every array: whatever is used as an index must be in range. `arrays`: the block's first
/// places.state_bytes. Throws: Error that names the value that no agent of this shape, in this environment,
/// can have.
void check_agent_state(const AgentControl& control, std::span<const std::byte> arrays,
                       const AgentShape& shape, const AgentPlaces& places, const DeviceEnv& env);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
