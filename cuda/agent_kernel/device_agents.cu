// A population of DQN agents on the host's side: agent k is block k's (agent_kernel.cu). A launch makes some
// ticks of all running agents. Between launches an agent is its control and its block of device memory.
#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/nn/agent_kernel.h"
#include "cuda/agent_kernel/agent_state.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/base/integers.h"
#include "cuda/ops/sum_tree.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// Throws: Error for a shape that no population can have.
void check_agent_shape(const AgentShape& shape, const AgentEnv& env) {
  constexpr Index kMost = std::numeric_limits<std::int32_t>::max();
  if (env.inputs != shape.chain.inputs || env.actions != shape.chain.actions)
    fail("the environment has ", env.inputs, " inputs and ", env.actions, " actions, the network ",
         shape.chain.inputs, " and ", shape.chain.actions);
  if (shape.num_envs < 1 || shape.n_step < 1 || shape.slots % shape.num_envs != 0 ||
      shape.slots / shape.num_envs <= shape.n_step || shape.slots > kMost)
    fail("a replay of ", shape.slots, " slots for ", shape.num_envs, " environments and returns of ",
         shape.n_step, " steps");
  if (shape.eval_lanes < 1 || shape.eval_lanes > kMost / 4 || shape.eval_points < 1)
    fail("evaluations of ", shape.eval_lanes, " episodes at once, ", shape.eval_points, " of them");
  if (shape.num_envs > kMost / (shape.n_step + 2)) fail(shape.num_envs, " environments");
  if (env.eval_episode_steps < 1 || env.eval_episode_steps > kMost)
    fail("an evaluation's episodes of ", env.eval_episode_steps, " steps");
}

/// Uses what the loop's own data leave of a block's shared memory. Throws: as dqn_layout.
DqnLayout agent_layout(const AgentShape& shape, int most_shared_bytes) {
  return dqn_layout(shape.chain, shape.learner, most_shared_bytes - agent_shared_bytes());
}

/// All of the status but the reason of a failure.
AgentStatus status_by(const AgentControl& control) {
  using Phase = AgentStatus::Phase;
  const AgentCounts& counts = control.counts;
  return {.phase = counts.phase == AgentPhase::kIdle       ? Phase::kIdle
                   : counts.phase == AgentPhase::kFinished ? Phase::kFinished
                   : counts.phase == AgentPhase::kFailed   ? Phase::kFailed
                                                           : Phase::kRunning,
          .ticks = counts.ticks,
          .timestep = counts.timestep,
          .gradient_updates = counts.gradient_updates,
          .solved_at_timestep = counts.solved_at_timestep,
          .model_timestep = counts.model_timestep,
          .evaluations = counts.points,
          .episodes = counts.episodes,
          .final_evaluation = control.numbers.final_evaluation};
}

class DeviceAgents final : public AgentKernel {
 public:
  DeviceAgents(Stream& stream, const AgentShape& shape, const AgentEnv& env, Index places,
               int most_shared_bytes);
  ~DeviceAgents() override { stream_.finish(); }  // queued work uses its memory
  DeviceAgents(const DeviceAgents&) = delete;
  DeviceAgents& operator=(const DeviceAgents&) = delete;

  Index places() const override { return places_; }
  std::string description() const override { return description_; }
  void start(Index place, const AgentSettings& settings, std::span<const float> parameters) override;
  void clear(Index place) override {
    check_place(place);
    stream_.zero(launch_.controls + place, sizeof(AgentControl));
  }
  void advance(Index ticks) override {
    launch_.ticks = checked_int("agent_kernel", "the number of ticks", ticks);
    run_agents(stream_, launch_, places_);
  }
  void read(std::span<AgentStatus> status) override {
    if (static_cast<Index>(status.size()) != places_)
      fail("status of ", status.size(), " places, there are ", places_);
    stream_.copy_to_host(read_.data(), controls_.data(), controls_.bytes());
    const auto* const controls = static_cast<const AgentControl*>(read_.data());
    for (Index place = 0; place < places_; ++place) {
      AgentStatus& to = status[static_cast<std::size_t>(place)];
      to = status_by(controls[place]);
      if (to.phase == AgentStatus::Phase::kFailed) read_failure(to, place);
    }
  }
  std::vector<AgentEvaluation> curve(Index place, Index first, Index end) override {
    check_place(place);
    if (first < 0 || end < first || end > shape_.eval_points)
      fail("evaluations ", first, " to ", end, ", there is room for ", shape_.eval_points);
    std::vector<AgentEvaluation> points(static_cast<std::size_t>(end - first));
    if (!points.empty()) fetch(std::span(points), place, launch_.places.points, first);
    return points;
  }
  std::vector<AgentEpisode> episodes(Index place) override {
    const Index all = control(place).counts.episodes, count = std::min<Index>(all, kEpisodesKept);
    std::vector<double> returns(kEpisodesKept);
    std::vector<std::int64_t> lengths(kEpisodesKept), timesteps(kEpisodesKept);
    fetch(std::span(returns), place, launch_.places.episode_returns);
    fetch(std::span(lengths), place, launch_.places.episode_lengths);
    fetch(std::span(timesteps), place, launch_.places.episode_timesteps);
    std::vector<AgentEpisode> episodes;
    for (Index i = all - count; i < all; ++i) {
      const auto at = static_cast<std::size_t>(i % kEpisodesKept);
      episodes.push_back({returns[at], lengths[at], timesteps[at]});
    }
    return episodes;
  }
  void kept_parameters(Index place, std::span<float> out) override {
    check_place(place);
    if (static_cast<Index>(out.size()) != shape_.parameters)
      fail(out.size(), " numbers for ", shape_.parameters, " parameters");
    fetch(out, place, launch_.places.kept);
  }
  const std::vector<AgentArray>& arrays() const override { return arrays_; }
  std::size_t state_bytes() const override {
    return static_cast<std::size_t>(kControlBytes + launch_.places.state_bytes);
  }
  void save(Index place, std::span<std::byte> state) override {
    check_size(state.size());
    const AgentControl now = control(place);
    std::memcpy(state.data(), &now, sizeof now);
    std::memset(state.data() + sizeof now, 0, static_cast<std::size_t>(kControlBytes) - sizeof now);
    fetch(state.subspan(static_cast<std::size_t>(kControlBytes)), place, 0);
  }
  AgentStatus status_of(std::span<const std::byte> state) const override {
    check_size(state.size());
    AgentControl control;
    std::memcpy(&control, state.data(), sizeof control);
    check_agent_counts(control.counts, shape_);
    return status_by(control);
  }
  void load(Index place, std::span<const std::byte> state) override {
    check_place(place);
    check_size(state.size());
    AgentControl control;
    std::memcpy(&control, state.data(), sizeof control);
    const auto arrays = state.subspan(static_cast<std::size_t>(kControlBytes));
    check_agent_state(control, arrays, shape_, launch_.places, launch_.env);
    stream_.copy_to_device(launch_.controls + place, &control, sizeof control);
    stream_.copy_to_device(block(place), arrays.data(), arrays.size());
  }

 private:
  static constexpr Index kControlBytes = (Index{sizeof(AgentControl)} + 15) / 16 * 16;

  void upload_environment(const AgentEnv& env);
  template <class T>
  const T* upload(std::span<const T> values);
  void check_place(Index place) const {
    if (place < 0 || place >= places_) fail("there is no place ", place, " among ", places_);
  }
  unsigned char* block(Index place) const { return launch_.blocks + place * launch_.places.block_bytes; }
  template <class T, std::size_t kExtent>
  void fetch(std::span<T, kExtent> to, Index place, Index where, Index first = 0) {
    stream_.copy_to_host(to.data(), block(place) + where + first * Index{sizeof(T)}, to.size_bytes());
  }
  AgentControl control(Index place) {
    check_place(place);
    AgentControl control = {};
    stream_.copy_to_host(&control, launch_.controls + place, sizeof control);
    return control;
  }
  void check_size(std::size_t bytes) const {
    if (bytes != state_bytes()) fail("a state of ", bytes, " bytes, must be ", state_bytes());
  }
  void read_failure(AgentStatus& status, Index place) {
    std::int32_t guard[kGuardWords] = {};
    fetch(std::span(status.report), place, launch_.places.report);
    fetch(std::span(guard), place, launch_.places.guard);
    status.bad_place = guard[kPlace];
    status.overflowed = guard[kOverflowed] != 0;
  }

  Stream& stream_;
  const AgentShape shape_;
  const Index places_;
  std::string description_;
  std::vector<AgentArray> arrays_;
  DeviceMemory blocks_, controls_, settings_;
  std::vector<DeviceMemory> environment_;
  PinnedMemory read_;  // (places) of AgentControl
  AgentLaunch launch_ = {};
};

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
  launch_.ring = {checked_int("agent_kernel", "the number of environments", shape.num_envs),
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
  upload_environment(env);
}

template <class T>
const T* DeviceAgents::upload(std::span<const T> values) {
  environment_.emplace_back(values.size_bytes());
  if (!values.empty()) stream_.copy_to_device(environment_.back().data(), values.data(), values.size_bytes());
  return static_cast<const T*>(environment_.back().data());
}

void DeviceAgents::upload_environment(const AgentEnv& env) {
  DeviceEnv& device_env = launch_.env;
  device_env.inputs = static_cast<int>(env.inputs);
  device_env.actions = static_cast<int>(env.actions);
  device_env.max_episode_steps = env.max_episode_steps;
  device_env.eval_episode_steps = env.eval_episode_steps;
  device_env.task = env.table ? kContinuousTasks : env.task;
  device_env.rewards = {.going_on = env.other_reward, .ending = env.ending_reward};
  if (!env.table) return;
  const TabularTable& table = *env.table;
  const auto pairs = static_cast<std::size_t>(table.num_states) * static_cast<std::size_t>(table.num_actions);
  const std::span first(table.first, pairs + 1);
  const std::span outcomes(table.outcomes, static_cast<std::size_t>(first.back()));
  device_env.table = {upload(outcomes), upload(first), table.num_states, table.num_actions};
  device_env.starts = static_cast<int>(env.start_states.size());
  device_env.start_states = upload(env.start_states);
  device_env.start_probabilities = upload(env.start_probabilities);
  device_env.observations = upload(env.observations);
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
  stream_.copy_to_device(launch_.controls + place, &control, sizeof control);
  stream_.copy_to_device(static_cast<AgentSettings*>(settings_.data()) + place, &settings, sizeof settings);
}

}  // namespace

std::string CudaBackend::agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env) const {
  try {
    check_agent_shape(shape, env);
    agent_layout(shape, properties_.shared_bytes);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Index CudaBackend::agent_kernel_bytes(const AgentShape& shape) const {
  return agent_places(shape, agent_layout(shape, properties_.shared_bytes)).block_bytes +
         static_cast<Index>(sizeof(AgentControl) + sizeof(AgentSettings));
}

Index CudaBackend::free_bytes() const { return static_cast<Index>(free_memory()); }

std::unique_ptr<AgentKernel> CudaBackend::make_agent_kernel(const AgentShape& shape, const AgentEnv& env,
                                                            Index places) {
  return std::make_unique<DeviceAgents>(stream_, shape, env, places, properties_.shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
