// What the host asks agents for (cuda/agent_kernel/device_agents.h): how they are, results, whole
// states.
#include <algorithm>
#include <cstring>

#include "cuda/agent_kernel/check_state.h"
#include "cuda/agent_kernel/device_agents.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

namespace {

/// All but why it has failed.
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

}  // namespace

void DeviceAgents::read(std::span<AgentStatus> status) {
  if (static_cast<Index>(status.size()) != places_)
    fail("status of ", status.size(), " places, there are ", places_);
  stream_.copy_to_host(read_.data(), controls_.data(), controls_.bytes());
  const auto* const controls = static_cast<const AgentControl*>(read_.data());
  for (Index place = 0; place < places_; ++place) {
    AgentStatus& to = status[static_cast<std::size_t>(place)];
    to = status_by(controls[place]);
    if (to.phase == AgentStatus::Phase::kFailed) tell_failure(to, place);
  }
}

void DeviceAgents::tell_failure(AgentStatus& status, Index place) {
  std::int32_t guard[kGuardWords] = {};
  fetch(std::span(status.report), place, launch_.places.report);
  fetch(std::span(guard), place, launch_.places.guard);
  status.bad_place = guard[kPlace];
  status.overflowed = guard[kOverflowed] != 0;
}

AgentControl DeviceAgents::control(Index place) {
  check_place(place);
  AgentControl control = {};
  stream_.copy_to_host(&control, launch_.controls + place, sizeof control);
  return control;
}

std::vector<AgentEvaluation> DeviceAgents::curve(Index place, Index first, Index end) {
  check_place(place);
  if (first < 0 || end < first || end > shape_.eval_points)
    fail("evaluations ", first, " to ", end, ", there is room for ", shape_.eval_points);
  std::vector<AgentEvaluation> points(static_cast<std::size_t>(end - first));
  if (!points.empty()) fetch(std::span(points), place, launch_.places.points, first);
  return points;
}

std::vector<AgentEpisode> DeviceAgents::episodes(Index place) {
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

void DeviceAgents::kept_parameters(Index place, std::span<float> out) {
  check_place(place);
  if (static_cast<Index>(out.size()) != shape_.parameters)
    fail(out.size(), " numbers for ", shape_.parameters, " parameters");
  fetch(out, place, launch_.places.kept);
}

void DeviceAgents::save(Index place, std::span<std::byte> state) {
  check_size(state.size());
  const AgentControl now = control(place);
  std::memcpy(state.data(), &now, sizeof now);
  std::memset(state.data() + sizeof now, 0, static_cast<std::size_t>(kControlBytes) - sizeof now);
  fetch(state.subspan(static_cast<std::size_t>(kControlBytes)), place, 0);
}

AgentStatus DeviceAgents::status_of(std::span<const std::byte> state) const {
  check_size(state.size());
  AgentControl control;
  std::memcpy(&control, state.data(), sizeof control);
  check_agent_counts(control.counts, shape_);
  return status_by(control);
}

void DeviceAgents::load(Index place, std::span<const std::byte> state) {
  check_place(place);
  check_size(state.size());
  AgentControl control;
  std::memcpy(&control, state.data(), sizeof control);
  const auto arrays = state.subspan(static_cast<std::size_t>(kControlBytes));
  check_agent_state(control, arrays, shape_, launch_.places, launch_.env);
  stream_.copy_to_device(launch_.controls + place, &control, sizeof control);
  stream_.copy_to_device(block(place), arrays.data(), arrays.size());
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
