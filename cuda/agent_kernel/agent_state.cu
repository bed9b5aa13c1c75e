// An agent's block of device memory (cuda/agent_kernel/agent_state.h), on the host: its layout, and the
// checks of a saved one.
#include "cuda/agent_kernel/agent_state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/ops/op_options.h"

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

/// Assigns places, one after the other, each at a multiple of 16 bytes.
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
  at.physical = places.state("envs.physical", Type::kF64, kStateNumbers * E);
  at.elapsed = places.state("envs.elapsed", Type::kI64, E);
  at.draws = places.state("envs.draws", Type::kI64, E);
  at.returns = places.state("envs.returns", Type::kF64, E);
  at.eval_physical = places.state("eval.physical", Type::kF64, kStateNumbers * V);
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

// ---- checks of a saved agent

namespace {

void in_range(const char* name, Index value, Index least, Index most) {
  if (value < least || value > most)
    fail("a saved agent: ", name, " is ", value, ", must be from ", least, " to ", most);
}

/// The arrays of a block, one after the other.
class Arrays {
 public:
  explicit Arrays(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T, class Check>
  void each(Index where, Index count, Check check) const {
    for (Index i = 0; i < count; ++i) {
      T value;
      std::memcpy(&value, bytes_.data() + where + i * Index{sizeof(T)}, sizeof value);
      check(value);
    }
  }
  template <class T>
  void whole(const char* name, Index where, Index count, Index least, Index most) const {
    each<T>(where, count, [&](T value) { in_range(name, static_cast<Index>(value), least, most); });
  }
  template <class T>
  void finite(const char* name, Index where, Index count) const {
    each<T>(where, count, [&](T value) {
      if (!std::isfinite(value)) fail("a saved agent: ", name, " holds ", value, ", must be finite");
    });
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Number k of an environment's state, which is zero before its first episode.
template <int task = 0>
void check_state_number(const DeviceEnv& env, Index k, double value) {
  if constexpr (task < kContinuousTasks) {
    if (env.task != task) return check_state_number<task + 1>(env, k, value);
    using Task = ContinuousTask<task>;
    if (k >= kStateSize<Task>) return;
    const StateNumber& number = Task::kState[k];
    if (!(value >= number.least && value <= number.most))
      fail("a saved agent: an environment's ", number.name, " is ", value, ", must be from ", number.least,
           " to ", number.most);
  } else {
    const Index cells = env.table.num_states;
    if (k == 0 && !(value >= 0 && value < static_cast<double>(cells)))
      fail("a saved agent: an environment is in cell ", value, " of ", cells);
  }
}

}  // namespace

void check_agent_counts(const AgentCounts& c, const AgentShape& shape) {
  constexpr Index kMost = Index{1} << 53;
  in_range("the phase", static_cast<Index>(c.phase), static_cast<Index>(AgentPhase::kBegin),
           static_cast<Index>(AgentPhase::kFailed));
  in_range("the kind of evaluation", static_cast<Index>(c.eval_kind), 0, 2);
  in_range("the steps made", c.timestep, 0, kMost);
  in_range("the sampleable slots", c.sampleable, 0, shape.slots);
  in_range("the episodes evaluated at once", c.eval_envs, 0, shape.eval_lanes);
  in_range("the episodes that run", c.eval_running, 0, c.eval_envs);
  in_range("the evaluations", c.points, 0, shape.eval_points);
  for (const Index count :
       {c.rounds, c.gradient_updates, c.eval_step, c.first_episode, c.next_episode, c.episodes})
    in_range("a count", count, 0, kMost);
  const Index begun = c.phase == AgentPhase::kBegin ? 0 : 1;  // a tick is a round at most
  in_range("the ticks made", c.ticks, c.rounds + begun, begun * kMost);
}

void check_agent_state(const AgentControl& control, std::span<const std::byte> bytes, const AgentShape& shape,
                       const AgentPlaces& at, const DeviceEnv& env) {
  constexpr Index kMost = std::numeric_limits<std::int32_t>::max();
  const Index E = shape.num_envs, S = shape.slots, N = shape.parameters, V = shape.eval_lanes;
  check_agent_counts(control.counts, shape);
  if (!(control.numbers.max_priority > 0) || !std::isfinite(control.numbers.max_priority))
    fail("a saved agent: the largest priority is ", control.numbers.max_priority);
  const Arrays arrays(bytes);
  arrays.whole<std::int32_t>("replay.heads", at.heads, E, -1, S / E - 1);
  arrays.whole<std::int32_t>("replay.pending", at.pending, E, 0, shape.n_step - 1);
  arrays.whole<std::uint8_t>("replay.kinds", at.kinds, S, 0, 5);
  arrays.whole<std::int32_t>("replay.actions", at.actions, S, 0, shape.chain.actions - 1);
  arrays.whole<std::int32_t>("replay.next_slots", at.next_slots, S, 0, S - 1);
  arrays.whole<std::int32_t>("eval.ends", at.eval_ends, V, 0, kMost);
  if (shape.prioritized) {
    arrays.each<double>(at.nodes, 2 * agent_leaves(shape), [](double weight) {
      if (!(weight >= 0) || !std::isfinite(weight))
        fail("a saved agent: sampler.nodes holds ", weight, ", must be 0 or more, and finite");
    });
  } else {
    arrays.whole<std::int32_t>("sampler.slots", at.listed, S, 0, S - 1);
    arrays.whole<std::int32_t>("sampler.places", at.listed_at, S, 0, S - 1);
  }
  for (const Index where : {at.physical, at.eval_physical}) {
    Index number = 0;
    arrays.each<double>(where, kStateNumbers * (where == at.physical ? E : V),
                        [&](double value) { check_state_number(env, number++ % kStateNumbers, value); });
  }
  for (const Index where : {at.online, at.target, at.m, at.v, at.kept})
    arrays.finite<float>("a parameter or moment", where, N);
  arrays.finite<float>("replay.observations", at.observations, S * shape.chain.inputs);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
