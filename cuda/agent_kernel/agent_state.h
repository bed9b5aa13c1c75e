// What an agent of a population is (core/nn/agent_kernel.h): counts, numbers, and arrays in a block of
// device memory of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nn/agent_kernel.h"
#include "cuda/fused/dqn_layout.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// What an agent does in its next tick.
enum class AgentPhase : std::int64_t {
  kIdle,
  kBegin,      // first episodes
  kRound,      // every environment makes a step; then what is due after it
  kEvalBegin,  // first states of an evaluation's episodes
  kEvalStep,   // a step of all that still run, or what they come to
  kKeep,       // the parameters become those that are kept
  kFinish,     // training is over
  kFinal,      // the kept parameters are evaluated from now on
  kFinished,
  kFailed,
};
enum class EvalKind : std::int64_t { kPeriodic, kConfirming, kFinal };

/// Names as in RunCounts (rl/train/run_counts.h).
struct AgentCounts {
  AgentPhase phase;
  std::int64_t ticks;  // made so far: which moment of the run it is
  std::int64_t rounds, timestep, gradient_updates;
  std::int64_t sampleable;  // of uniform sampling
  EvalKind eval_kind;
  std::int64_t eval_step, eval_lanes, first_episode, next_episode;
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

/// Where an agent's arrays begin, in bytes from its block's start; the controls of all agents lie side by
/// side elsewhere, so that the host reads them at once. Letters: E environments, S slots, n steps
/// of a return, B batch, V episodes that are evaluated at once, I inputs, N floats of an arena.
struct AgentPlaces {
  Index physical, elapsed, draws, returns;             // (E,kLaneNumbers), (E), (E), (E)
  Index heads, pending;                                // (E): as ReplayRing's
  Index kinds, actions, rewards;                       // (S): likewise
  Index next_slots, n_rewards, discounts, terminated;  // (S): what batches are made of
  Index observations;                                  // (S,I)
  Index listed, listed_at;  // (S): UniformSampler's list, and where a slot stands in it
  Index nodes;              // (2 leaves): PrioritizedSampler's tree
  Index eval_physical, eval_returns,
      eval_ends;  // (V,kLaneNumbers), (V), (V): step after which it ended, 0: it runs
  Index points;   // AgentEvaluation (eval_points)
  Index episode_returns, episode_lengths, episode_timesteps;  // (kEpisodesKept)
  Index online, target, m, v, kept;                           // (N)
  Index td_error, loss, norm, guard, sums, report;
  Index state_bytes;  // up to here
  // What has no meaning from tick to tick.
  Index outside;               // (3, padded parameters)
  Index slots, weights;        // (B)
  Index changes;               // (E, n + 2): lane_replay.cuh
  Index ended, ended_returns;  // (E): length of the episode that ended in the round, 0: none
  Index sorted_returns;        // (V)
  Index block_bytes;
};

/// The places, and the arrays among them that a state is made of.
AgentPlaces agent_places(const AgentShape& shape, const DqnLayout& layout,
                         std::vector<AgentArray>* arrays = nullptr);

/// Leaves of the sum-tree.
Index agent_leaves(const AgentShape& shape);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
