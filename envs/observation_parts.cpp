#include "envs/observation_parts.h"

#include "envs/control/continuous_env.h"
#include "envs/grid/tabular_env.h"

namespace bellman {
namespace {

std::vector<ObservationPart> grid_parts(const GridTask& task, GridObservation observation) {
  switch (observation) {
    case GridObservation::kOneHot:
      return {{"row * " + std::to_string(task.cols) + " + column", "1 where the agent is, 0 elsewhere"}};
    case GridObservation::kCoordinates:
      return {{"0", "the agent's row, from 0 at the top to 1 at the bottom"},
              {"1", "the agent's column, from 0 on the left to 1 on the right"}};
    case GridObservation::kPlanes:
      break;
  }
  return {{"plane 0", "1 where the agent is"},
          {"plane 1", "1 where a wall is"},
          {"plane 2", "1 where a goal is"},
          {"plane 3", "1 where a pit is: a hole, a cliff"},
          {"plane 4", "1 where the map has a mark: cells with a reward of their own"}};
}

}  // namespace

std::vector<ObservationPart> observation_parts(const EnvOptions& options) {
  const std::unique_ptr<Env> env = make_env(options);
  if (const TabularEnv* grid = as_tabular(*env))
    return grid_parts(grid->task(), parse_grid_observation(options.observation));
  std::vector<ObservationPart> parts;
  if (const ContinuousEnv* continuous = as_continuous(*env))
    for (const std::string_view meaning : continuous->observation_meanings())
      parts.push_back({std::to_string(parts.size()), std::string(meaning)});
  return parts;
}

}  // namespace bellman
