// A population of resident DQN agents on the host's side: agent k is block k's (agent_kernel.cuh). A launch
// makes some ticks of all that run; between launches an agent is its control and its block of memory.

#include "cuda/resident/population.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/check.h"
#include "cuda/checked_int.h"
#include "cuda/device_memory.h"
#include "cuda/resident/agent_kernel.cuh"
#include "cuda/resident/check_state.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr Index kControlBytes = (Index{sizeof(AgentControl)} + 15) / 16 * 16;

int most_for_layout(int most_shared_bytes) {
  return most_shared_bytes - static_cast<int>((sizeof(AgentShared) + 15) / 16 * 16);
}

void check_shape(const ResidentDqnShape& shape, const ResidentEnv& env) {
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

class DeviceResidentDqn final : public ResidentDqn {
 public:
  DeviceResidentDqn(Stream& stream, const ResidentDqnShape& shape, const ResidentEnv& env, Index places,
                    int most_shared_bytes);
  ~DeviceResidentDqn() override { stream_.finish(); }  // what was queued uses its memory
  DeviceResidentDqn(const DeviceResidentDqn&) = delete;
  DeviceResidentDqn& operator=(const DeviceResidentDqn&) = delete;

  Index places() const override { return places_; }
  std::string description() const override { return description_; }
  void start(Index place, const ResidentDqnSettings& settings, std::span<const float> parameters) override;
  void clear(Index place) override;
  void advance(Index ticks) override;
  void read(std::span<ResidentDqnStatus> status) override;
  std::vector<ResidentEvaluation> curve(Index place, Index first, Index end) override;
  std::vector<ResidentEpisode> episodes(Index place) override;
  void kept_parameters(Index place, std::span<float> out) override;
  const std::vector<ResidentDqnArray>& arrays() const override { return arrays_; }
  std::size_t state_bytes() const override {
    return static_cast<std::size_t>(kControlBytes + launch_.places.state_bytes);
  }
  void save(Index place, std::span<std::byte> state) override;
  void load(Index place, std::span<const std::byte> state) override;

 private:
  void place_environment(const ResidentEnv& env);
  template <class T>
  const T* put(std::span<const T> values);
  void check_place(Index place) const {
    if (place < 0 || place >= places_) fail("there is no place ", place, " among ", places_);
  }
  unsigned char* block(Index place) const { return launch_.blocks + place * launch_.places.block_bytes; }
  template <class T, std::size_t kExtent>
  void fetch(std::span<T, kExtent> to, Index place, Index where, Index first = 0) {
    stream_.copy_to_host(to.data(), block(place) + where + first * Index{sizeof(T)}, to.size_bytes());
  }
  AgentControl control(Index place);
  void tell_failure(ResidentDqnStatus& status, Index place);

  Stream& stream_;
  const ResidentDqnShape shape_;
  const Index places_;
  std::string description_;
  std::vector<ResidentDqnArray> arrays_;
  DeviceMemory blocks_, controls_, settings_;
  std::vector<DeviceMemory> environment_;
  PinnedMemory read_;  // (places) of AgentControl
  ResidentLaunch launch_ = {};
};

DeviceResidentDqn::DeviceResidentDqn(Stream& stream, const ResidentDqnShape& shape, const ResidentEnv& env,
                                     Index places, int most_shared_bytes)
    : stream_(stream), shape_(shape), places_(places) {
  check_shape(shape, env);
  if (places < 1) fail("a population of ", places, " agents, must have at least 1");
  launch_.layout = dqn_layout(shape.chain, shape.learner, most_for_layout(most_shared_bytes));
  launch_.places = agent_places(shape, launch_.layout, &arrays_);
  arrays_.insert(arrays_.begin(), {"control", ResidentDqnArray::Type::kI64, kControlWords, 0});
  for (std::size_t i = 1; i < arrays_.size(); ++i) arrays_[i].begin += kControlBytes;
  description_ = describe(launch_.layout, most_shared_bytes);
  launch_.lanes = {checked_int("resident_dqn", "the number of environments", shape.num_envs),
                   checked_int("resident_dqn", "the replay", shape.slots / shape.num_envs),
                   checked_int("resident_dqn", "the steps of a return", shape.n_step)};
  launch_.prioritized = shape.prioritized;
  launch_.leaves = agent_leaves(shape);
  launch_.depth = depth_of(launch_.leaves);
  launch_.eval_points = shape.eval_points;
  const auto count = static_cast<std::size_t>(places);
  blocks_ = DeviceMemory(count * static_cast<std::size_t>(launch_.places.block_bytes));
  controls_ = DeviceMemory(count * sizeof(AgentControl));
  settings_ = DeviceMemory(count * sizeof(ResidentDqnSettings));
  read_ = PinnedMemory(count * sizeof(AgentControl));
  launch_.blocks = static_cast<unsigned char*>(blocks_.data());
  launch_.controls = static_cast<AgentControl*>(controls_.data());
  launch_.settings = static_cast<const ResidentDqnSettings*>(settings_.data());
  stream.zero(controls_.data(), controls_.bytes());  // all idle
  place_environment(env);
}

template <class T>
const T* DeviceResidentDqn::put(std::span<const T> values) {
  environment_.emplace_back(values.size_bytes());
  if (!values.empty()) stream_.copy_to_device(environment_.back().data(), values.data(), values.size_bytes());
  return static_cast<const T*>(environment_.back().data());
}

void DeviceResidentDqn::place_environment(const ResidentEnv& env) {
  LaneEnv& there = launch_.env;
  there.inputs = static_cast<int>(env.inputs);
  there.actions = static_cast<int>(env.actions);
  there.max_episode_steps = env.max_episode_steps;
  there.eval_episode_steps = env.eval_episode_steps;
  there.cartpole = env.table == nullptr;
  there.sutton_barto_reward = env.sutton_barto_reward;
  if (there.cartpole) return;
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

void DeviceResidentDqn::start(Index place, const ResidentDqnSettings& settings,
                              std::span<const float> parameters) {
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
  control.numbers.kept_eval_mean = kNone;
  control.numbers.max_priority = 1;
  upload(launch_.controls + place, control);
  upload(static_cast<ResidentDqnSettings*>(settings_.data()) + place, settings);
}

void DeviceResidentDqn::clear(Index place) {
  check_place(place);
  stream_.zero(launch_.controls + place, sizeof(AgentControl));
}

void DeviceResidentDqn::advance(Index ticks) {
  launch_.ticks = checked_int("resident_dqn", "the number of ticks", ticks);
  const auto bytes = static_cast<std::size_t>(launch_.layout.shared_bytes) + sizeof(AgentShared);
  launch(stream_, resident_kernel_for(launch_.layout.place), dim3(static_cast<unsigned>(places_)),
         dim3(kFusedThreads), bytes, launch_);
}

void DeviceResidentDqn::read(std::span<ResidentDqnStatus> status) {
  if (static_cast<Index>(status.size()) != places_)
    fail("status of ", status.size(), " places, there are ", places_);
  stream_.copy_to_host(read_.data(), controls_.data(), controls_.bytes());
  const auto* const controls = static_cast<const AgentControl*>(read_.data());
  using Phase = ResidentDqnStatus::Phase;
  for (Index place = 0; place < places_; ++place) {
    const AgentCounts& counts = controls[place].counts;
    ResidentDqnStatus& to = status[static_cast<std::size_t>(place)];
    to = {.phase = counts.phase == AgentPhase::kIdle       ? Phase::kIdle
                   : counts.phase == AgentPhase::kFinished ? Phase::kFinished
                   : counts.phase == AgentPhase::kFailed   ? Phase::kFailed
                                                           : Phase::kRunning,
          .timestep = counts.timestep,
          .gradient_updates = counts.gradient_updates,
          .solved_at_timestep = counts.solved_at_timestep,
          .model_timestep = counts.model_timestep,
          .evaluations = counts.points,
          .episodes = counts.episodes,
          .final_evaluation = controls[place].numbers.final_evaluation};
    if (to.phase == Phase::kFailed) tell_failure(to, place);
  }
}

void DeviceResidentDqn::tell_failure(ResidentDqnStatus& status, Index place) {
  std::int32_t guard[kGuardWords] = {};
  fetch(std::span(status.report), place, launch_.places.report);
  fetch(std::span(guard), place, launch_.places.guard);
  status.bad_place = guard[kPlace];
  status.overflowed = guard[kOverflowed] != 0;
}

AgentControl DeviceResidentDqn::control(Index place) {
  check_place(place);
  AgentControl control = {};
  stream_.copy_to_host(&control, launch_.controls + place, sizeof control);
  return control;
}

std::vector<ResidentEvaluation> DeviceResidentDqn::curve(Index place, Index first, Index end) {
  check_place(place);
  if (first < 0 || end < first || end > shape_.eval_points)
    fail("evaluations ", first, " to ", end, ", there is room for ", shape_.eval_points);
  std::vector<ResidentEvaluation> points(static_cast<std::size_t>(end - first));
  if (!points.empty()) fetch(std::span(points), place, launch_.places.points, first);
  return points;
}

std::vector<ResidentEpisode> DeviceResidentDqn::episodes(Index place) {
  const Index all = control(place).counts.episodes, count = std::min<Index>(all, kEpisodesKept);
  std::vector<double> returns(kEpisodesKept);
  std::vector<std::int64_t> lengths(kEpisodesKept), timesteps(kEpisodesKept);
  fetch(std::span(returns), place, launch_.places.episode_returns);
  fetch(std::span(lengths), place, launch_.places.episode_lengths);
  fetch(std::span(timesteps), place, launch_.places.episode_timesteps);
  std::vector<ResidentEpisode> episodes;
  for (Index i = all - count; i < all; ++i) {
    const auto at = static_cast<std::size_t>(i % kEpisodesKept);
    episodes.push_back({returns[at], lengths[at], timesteps[at]});
  }
  return episodes;
}

void DeviceResidentDqn::kept_parameters(Index place, std::span<float> out) {
  check_place(place);
  if (static_cast<Index>(out.size()) != shape_.parameters)
    fail(out.size(), " numbers for ", shape_.parameters, " parameters");
  fetch(out, place, launch_.places.kept);
}

void DeviceResidentDqn::save(Index place, std::span<std::byte> state) {
  if (state.size() != state_bytes()) fail("a state of ", state.size(), " bytes, must be ", state_bytes());
  const AgentControl now = control(place);
  std::memcpy(state.data(), &now, sizeof now);
  std::memset(state.data() + sizeof now, 0, static_cast<std::size_t>(kControlBytes) - sizeof now);
  fetch(state.subspan(static_cast<std::size_t>(kControlBytes)), place, 0);
}

void DeviceResidentDqn::load(Index place, std::span<const std::byte> state) {
  check_place(place);
  if (state.size() != state_bytes()) fail("a state of ", state.size(), " bytes, must be ", state_bytes());
  AgentControl control;
  std::memcpy(&control, state.data(), sizeof control);
  const auto arrays = state.subspan(static_cast<std::size_t>(kControlBytes));
  check_agent_state(control, arrays, shape_, launch_.places,
                    launch_.env.cartpole ? 0 : launch_.env.table.num_states);
  stream_.copy_to_device(launch_.controls + place, &control, sizeof control);
  stream_.copy_to_device(block(place), arrays.data(), arrays.size());
}

}  // namespace

std::string resident_dqn_obstacle(const ResidentDqnShape& shape, const ResidentEnv& env,
                                  int most_shared_bytes) {
  try {
    check_shape(shape, env);
    dqn_layout(shape.chain, shape.learner, most_for_layout(most_shared_bytes));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Index resident_dqn_bytes(const ResidentDqnShape& shape, int most_shared_bytes) {
  const DqnLayout layout = dqn_layout(shape.chain, shape.learner, most_for_layout(most_shared_bytes));
  return agent_places(shape, layout).block_bytes +
         static_cast<Index>(sizeof(AgentControl) + sizeof(ResidentDqnSettings));
}

std::unique_ptr<ResidentDqn> make_resident_dqn(Stream& stream, const ResidentDqnShape& shape,
                                               const ResidentEnv& env, Index places, int most_shared_bytes) {
  return std::make_unique<DeviceResidentDqn>(stream, shape, env, places, most_shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
