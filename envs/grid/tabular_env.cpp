#include "envs/grid/tabular_env.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 3> kObservationNames = {"one_hot", "coordinates", "planes"};

/// Whether an episode can enter a goal; true for a map with other ends only.
bool goal_in_reach(const GridTask& task, const RewardsInReach& rewards) {
  bool any = false;
  for (std::size_t s = 0; s < task.cells.size(); ++s) {
    if (task.cells[s] != Cell::kGoal) continue;
    if (rewards.entered[s] != 0) return true;
    any = true;
  }
  return !any;
}

EnvSpec spec_of(std::string id, const GridTask& task, GridObservation observation, Index max_episode_steps) {
  if (max_episode_steps < 0) fail(id, ": max_episode_steps is ", max_episode_steps, ", must be 0 or more");
  EnvSpec spec;
  spec.id = std::move(id);
  switch (observation) {
    case GridObservation::kOneHot:
      spec.observation_shape = {task.mdp.num_states()};
      break;
    case GridObservation::kCoordinates:
      spec.observation_shape = {2};
      break;
    case GridObservation::kPlanes:
      spec.observation_shape = {kGridPlanes, task.rows, task.cols};
      break;
  }
  spec.num_actions = task.mdp.num_actions();
  spec.max_episode_steps = max_episode_steps;
  spec.reward_threshold = task.reward_threshold;
  const RewardsInReach rewards = rewards_in_reach(task.mdp);
  spec.highest_return = highest_return(rewards, max_episode_steps);
  spec.goal_in_reach = goal_in_reach(task, rewards);
  spec.byte_observations = observation != GridObservation::kCoordinates;
  for (Direction direction : std::span(task.directions).first(static_cast<std::size_t>(spec.num_actions)))
    spec.action_names.emplace_back(direction_name(direction));
  return spec;
}

float scaled(std::int32_t position, std::int32_t extent) {
  return extent > 1 ? static_cast<float>(position) / static_cast<float>(extent - 1) : 0.0F;
}

/// The observation without the agent: zeros, with the map in planes 1 to 4.
std::vector<float> background_of(const GridTask& task, GridObservation observation) {
  const std::size_t cells = task.cells.size();
  if (observation != GridObservation::kPlanes) return std::vector<float>(cells);
  std::vector<float> planes(kGridPlanes * cells);
  for (std::size_t s = 0; s < cells; ++s) {
    const Cell cell = task.cells[s];
    planes[1 * cells + s] = cell == Cell::kWall;
    planes[2 * cells + s] = cell == Cell::kGoal;
    planes[3 * cells + s] = cell == Cell::kPit;
    planes[4 * cells + s] = cell == Cell::kMarked;
  }
  return planes;
}

double uniform_of(const RandomStream& stream, std::uint64_t draw) {
  const RandomWords words = random_words(stream, draw);
  return uniform_double(words[0], words[1]);
}

}  // namespace

GridObservation parse_grid_observation(std::string_view name) {
  const auto found = std::find(kObservationNames.begin(), kObservationNames.end(), name);
  if (found == kObservationNames.end())
    fail("unknown observation \"", name, "\"", suggestion(name, kObservationNames));
  return static_cast<GridObservation>(found - kObservationNames.begin());
}

TabularEnv::TabularEnv(std::string id, GridTask task, GridObservation observation, Index max_episode_steps)
    : EpisodeEnv(spec_of(std::move(id), task, observation, max_episode_steps), 1),
      task_(std::make_shared<const GridTask>(std::move(task))),
      observation_(observation),
      background_(std::make_shared<const std::vector<float>>(background_of(*task_, observation))),
      state_(task_->mdp.starts().front().state) {}

void TabularEnv::observe_state(std::span<float> out, std::int32_t state) const {
  if (observation_ == GridObservation::kCoordinates) {
    out[0] = scaled(state / task_->cols, task_->rows);
    out[1] = scaled(state % task_->cols, task_->cols);
    return;
  }
  std::copy(background_->begin(), background_->end(), out.begin());
  out[static_cast<std::size_t>(state)] = 1.0F;  // in the first or only plane
}

void TabularEnv::start(const RandomStream& stream, std::uint64_t draw) {
  state_ = task_->mdp.start_state(uniform_of(stream, draw));
}

EpisodeEnv::Transition TabularEnv::advance(int action, const RandomStream& stream, std::uint64_t draw) {
  const Outcome& outcome = tabular_step(task_->mdp.table(), state_, action, uniform_of(stream, draw));
  state_ = outcome.next;
  return {outcome.reward, outcome.terminated};
}

bool TabularEnv::is_terminal(std::span<const double> values) const {
  const double cell = values[0];
  const std::int32_t num_states = task_->mdp.num_states();
  if (!(cell >= 0 && cell < num_states && cell == std::floor(cell)))
    fail(spec().id, ": cell ", cell, " is not a whole number in [0, ", num_states, ")");
  const auto state = static_cast<std::int32_t>(cell);
  if (task_->mdp.playable(state)) return false;
  if (!task_->mdp.ends_task(state)) fail(spec().id, ": cell ", cell, " cannot be entered");
  return true;
}

const TabularEnv* as_tabular(const Env& env) { return dynamic_cast<const TabularEnv*>(&env); }

}  // namespace bellman
