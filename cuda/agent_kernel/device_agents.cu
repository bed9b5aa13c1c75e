// Agents are made, started and sent on (cuda/agent_kernel/device_agents.h).
#include "cuda/agent_kernel/device_agents.h"

#include <limits>

#include "cuda/base/integers.h"
#include "cuda/ops/sum_tree.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

DeviceAgents::DeviceAgents(Stream& stream, const AgentShape& shape, const AgentEnv& env, Index places,
                           int most_shared_bytes)
    : stream_(stream), shape_(shape), places_(places) {
  check_agent_shape(shape, env);
  if (places < 1) fail("a population of ", places, " agents, must have at least 1");
  launch_.layout = agent_layout(shape, most_shared_bytes);
  launch_.places = agent_places(shape, launch_.layout, &arrays_);
  arrays_.insert(arrays_.begin(), {"control", AgentArray::Type::kI64, kControlWords, 0});
  for (std::size_t i = 1; i < arrays_.size(); ++i) arrays_[i].begin += kControlBytes;
  description_ = describe(launch_.layout, most_shared_bytes);
  launch_.lanes = {checked_int("agent_kernel", "the number of environments", shape.num_envs),
                   checked_int("agent_kernel", "the replay", shape.slots / shape.num_envs),
                   checked_int("agent_kernel", "the steps of a return", shape.n_step)};
  launch_.prioritized = shape.prioritized;
  launch_.leaves = agent_leaves(shape);
  launch_.depth = depth_of(launch_.leaves);
  launch_.eval_points = shape.eval_points;
  const auto count = static_cast<std::size_t>(places);
  blocks_ = DeviceMemory(count * static_cast<std::size_t>(launch_.places.block_bytes));
  controls_ = DeviceMemory(count * sizeof(AgentControl));
  settings_ = DeviceMemory(count * sizeof(AgentSettings));
  read_ = PinnedMemory(count * sizeof(AgentControl));
  launch_.blocks = static_cast<unsigned char*>(blocks_.data());
  launch_.controls = static_cast<AgentControl*>(controls_.data());
  launch_.settings = static_cast<const AgentSettings*>(settings_.data());
  stream.zero(controls_.data(), controls_.bytes());  // all idle
  place_environment(env);
}

template <class T>
const T* DeviceAgents::put(std::span<const T> values) {
  environment_.emplace_back(values.size_bytes());
  if (!values.empty()) stream_.copy_to_device(environment_.back().data(), values.data(), values.size_bytes());
  return static_cast<const T*>(environment_.back().data());
}

void DeviceAgents::place_environment(const AgentEnv& env) {
  LaneEnv& there = launch_.env;
  there.inputs = static_cast<int>(env.inputs);
  there.actions = static_cast<int>(env.actions);
  there.max_episode_steps = env.max_episode_steps;
  there.eval_episode_steps = env.eval_episode_steps;
  there.task = env.table ? kContinuousTasks : env.task;
  there.rewards = {.going_on = env.other_reward, .ending = env.ending_reward};
  if (!env.table) return;
  const TabularTable& table = *env.table;
  const auto pairs = static_cast<std::size_t>(table.num_states) * static_cast<std::size_t>(table.num_actions);
  const std::span first(table.first, pairs + 1);
  const std::span outcomes(table.outcomes, static_cast<std::size_t>(first.back()));
  there.table = {put(outcomes), put(first), table.num_states, table.num_actions};
  there.starts = static_cast<int>(env.start_states.size());
  there.start_states = put(env.start_states);
  there.start_probabilities = put(env.start_probabilities);
  there.observations = put(env.observations);
}

void DeviceAgents::start(Index place, const AgentSettings& settings, std::span<const float> parameters) {
  check_place(place);
  const AgentPlaces& at = launch_.places;
  if (static_cast<Index>(parameters.size()) != shape_.parameters)
    fail(parameters.size(), " parameters for an agent of ", shape_.parameters);
  for (const Index episodes :
       {settings.eval_episodes, settings.solve_confirm_episodes, settings.final_eval_episodes})
    if (episodes > shape_.eval_lanes)
      fail("an evaluation of ", episodes, " episodes, there is room for ", shape_.eval_lanes);
  const auto upload = [&](void* to, const auto& value) { stream_.copy_to_device(to, &value, sizeof value); };
  stream_.zero(block(place), static_cast<std::size_t>(at.block_bytes));
  for (const Index arena : {at.online, at.target})
    stream_.copy_to_device(block(place) + arena, parameters.data(), parameters.size_bytes());
  const std::vector<std::int32_t> heads(static_cast<std::size_t>(shape_.num_envs), -1);
  stream_.copy_to_device(block(place) + at.heads, heads.data(), heads.size() * sizeof(std::int32_t));
  AgentControl control = {};
  control.counts.phase = AgentPhase::kBegin;
  control.counts.evaluated_timestep = control.counts.solved_at_timestep = control.counts.model_timestep = -1;
  control.numbers.kept_eval_mean = std::numeric_limits<double>::quiet_NaN();
  control.numbers.max_priority = 1;
  upload(launch_.controls + place, control);
  upload(static_cast<AgentSettings*>(settings_.data()) + place, settings);
}

void DeviceAgents::clear(Index place) {
  check_place(place);
  stream_.zero(launch_.controls + place, sizeof(AgentControl));
}

void DeviceAgents::advance(Index ticks) {
  launch_.ticks = checked_int("agent_kernel", "the number of ticks", ticks);
  run_agents(stream_, launch_, places_);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
