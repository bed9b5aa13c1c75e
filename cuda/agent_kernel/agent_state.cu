// The layout of an agent's block of device memory (cuda/agent_kernel/agent_state.h), worked out on the host.
#include "cuda/agent_kernel/agent_state.h"

#include <bit>

#include "core/ops/step_guard.h"
#include "cuda/agent_kernel/lane_env.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

using Type = AgentArray::Type;

Index bytes_of(Type type) {
  switch (type) {
    case Type::kU8:
      return 1;
    case Type::kI32:
    case Type::kF32:
      return 4;
    default:
      return 8;
  }
}

/// Deals out places, one after the other, each at a multiple of 16 bytes.
class Places {
 public:
  explicit Places(std::vector<AgentArray>* arrays) : arrays_(arrays) {}

  Index state(const char* name, Type type, Index elements) {
    if (arrays_)
      arrays_->push_back({name, type, static_cast<std::size_t>(elements), static_cast<std::size_t>(bytes_)});
    return scratch(type, elements);
  }
  Index scratch(Type type, Index elements) {
    const Index begin = bytes_;
    bytes_ += (elements * bytes_of(type) + 15) / 16 * 16;
    return begin;
  }

 private:
  std::vector<AgentArray>* arrays_;
  Index bytes_ = 0;
};

void place_environments(AgentPlaces& at, Places& places, const AgentShape& shape) {
  const Index E = shape.num_envs, V = shape.eval_lanes;
  at.physical = places.state("envs.physical", Type::kF64, kLaneNumbers * E);
  at.elapsed = places.state("envs.elapsed", Type::kI64, E);
  at.draws = places.state("envs.draws", Type::kI64, E);
  at.returns = places.state("envs.returns", Type::kF64, E);
  at.eval_physical = places.state("eval.physical", Type::kF64, kLaneNumbers * V);
  at.eval_returns = places.state("eval.returns", Type::kF64, V);
  at.eval_ends = places.state("eval.ends", Type::kI32, V);
}

void place_replay(AgentPlaces& at, Places& places, const AgentShape& shape) {
  const Index E = shape.num_envs, S = shape.slots;
  at.heads = places.state("replay.heads", Type::kI32, E);
  at.pending = places.state("replay.pending", Type::kI32, E);
  at.kinds = places.state("replay.kinds", Type::kU8, S);
  at.actions = places.state("replay.actions", Type::kI32, S);
  at.rewards = places.state("replay.rewards", Type::kF32, S);
  at.next_slots = places.state("replay.next_slots", Type::kI32, S);
  at.n_rewards = places.state("replay.n_step_rewards", Type::kF32, S);
  at.discounts = places.state("replay.discounts", Type::kF32, S);
  at.terminated = places.state("replay.terminated", Type::kF32, S);
  at.observations = places.state("replay.observations", Type::kF32, S * shape.chain.inputs);
  if (shape.prioritized) {
    at.nodes = places.state("sampler.nodes", Type::kF64, 2 * agent_leaves(shape));
  } else {
    at.listed = places.state("sampler.slots", Type::kI32, S);
    at.listed_at = places.state("sampler.places", Type::kI32, S);
  }
}

void place_learner(AgentPlaces& at, Places& places, const AgentShape& shape) {
  const Index N = shape.parameters;
  at.online = places.state("online", Type::kF32, N);
  at.target = places.state("target", Type::kF32, N);
  at.m = places.state("optimizer.m", Type::kF32, N);
  at.v = places.state("optimizer.v", Type::kF32, N);
  at.kept = places.state("kept.parameters", Type::kF32, N);
  at.td_error = places.state("last.td_error", Type::kF32, shape.learner.batch);
  at.loss = places.state("last.loss", Type::kF32, 1);
  at.norm = places.state("last.norm", Type::kF32, 1);
  at.guard = places.state("guard", Type::kI32, kGuardWords);
  at.sums = places.state("sums", Type::kF64, 4);
  at.report = places.state("report", Type::kF64, kReportWords);
}

void place_scratch(AgentPlaces& at, Places& places, const AgentShape& shape, const DqnLayout& layout) {
  const Index E = shape.num_envs;
  at.outside =
      places.scratch(Type::kF32, layout.place == FusedPlace::kAllShared ? 0 : 3 * Index{layout.parameters});
  at.slots = places.scratch(Type::kI32, shape.learner.batch);
  at.weights = places.scratch(Type::kF32, shape.learner.batch);
  at.changes = places.scratch(Type::kI32, E * (shape.n_step + 2));
  at.ended = places.scratch(Type::kI64, E);
  at.ended_returns = places.scratch(Type::kF64, E);
  at.sorted_returns = places.scratch(Type::kF64, shape.eval_lanes);
}

}  // namespace

Index agent_leaves(const AgentShape& shape) {
  return static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(shape.slots)));
}

AgentPlaces agent_places(const AgentShape& shape, const DqnLayout& layout, std::vector<AgentArray>* arrays) {
  AgentPlaces at = {};
  Places places(arrays);
  place_environments(at, places, shape);
  place_replay(at, places, shape);
  at.points = places.state("evaluations", Type::kF64,
                           shape.eval_points * Index{sizeof(AgentEvaluation) / sizeof(double)});
  constexpr Index kept = AgentKernel::kEpisodesKept;
  at.episode_returns = places.state("episodes.returns", Type::kF64, kept);
  at.episode_lengths = places.state("episodes.lengths", Type::kI64, kept);
  at.episode_timesteps = places.state("episodes.timesteps", Type::kI64, kept);
  place_learner(at, places, shape);
  const Index state_bytes = places.scratch(Type::kU8, 0);
  at.state_bytes = state_bytes;
  place_scratch(at, places, shape, layout);
  at.block_bytes = (places.scratch(Type::kU8, 0) + 255) / 256 * 256;
  return at;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
