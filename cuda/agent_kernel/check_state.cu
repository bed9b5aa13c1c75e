// Checks of a saved agent, on the host (cuda/agent_kernel/check_state.h).
#include "cuda/agent_kernel/check_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/check.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
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

/// Number k of a lane's state. A lane that no episode has begun in holds zeros.
template <int task = 0>
void check_lane_number(const LaneEnv& env, Index k, double value) {
  if constexpr (task < kContinuousTasks) {
    if (env.task != task) return check_lane_number<task + 1>(env, k, value);
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
  in_range("the episodes evaluated at once", c.eval_lanes, 0, shape.eval_lanes);
  in_range("the episodes that run", c.eval_running, 0, c.eval_lanes);
  in_range("the evaluations", c.points, 0, shape.eval_points);
  for (const Index count :
       {c.rounds, c.gradient_updates, c.eval_step, c.first_episode, c.next_episode, c.episodes})
    in_range("a count", count, 0, kMost);
  const Index begun = c.phase == AgentPhase::kBegin ? 0 : 1;  // a tick is a round at most
  in_range("the ticks made", c.ticks, c.rounds + begun, begun * kMost);
}

void check_agent_state(const AgentControl& control, std::span<const std::byte> bytes, const AgentShape& shape,
                       const AgentPlaces& at, const LaneEnv& env) {
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
    arrays.each<double>(where, kLaneNumbers * (where == at.physical ? E : V),
                        [&](double value) { check_lane_number(env, number++ % kLaneNumbers, value); });
  }
  for (const Index where : {at.online, at.target, at.m, at.v, at.kept})
    arrays.finite<float>("a parameter or moment", where, N);
  arrays.finite<float>("replay.observations", at.observations, S * shape.chain.inputs);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
