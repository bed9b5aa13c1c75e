// The environment of every gridworld, which steps its table.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/episode_env.h"
#include "envs/grid/grid_task.h"

namespace bellman {

/// How the learner observes the agent's cell.
enum class GridObservation {
  kOneHot,       // (S): 1 at the agent's state, else 0; S = H W cells
  kCoordinates,  // (2): row and column, each scaled to [0, 1] from the first to the last
  kPlanes,  // (5,H,W), 0 or 1. Planes: 0 the agent, 1 walls, 2 goals, 3 pits (holes, cliff), 4 marked cells
};

/// "one_hot", "coordinates", "planes". Throws: Error, with the nearest name, for another.
GridObservation parse_grid_observation(std::string_view name);

inline constexpr Index kGridPlanes = 5;

/// Copies share the constant map and table.
class TabularEnv final : public EpisodeEnv {
 public:
  /// Throws: Error when `max_episode_steps` is negative.
  TabularEnv(std::string id, GridTask task, GridObservation observation, Index max_episode_steps);

  void observe(std::span<float> out) const override { observe_state(out, state_); }
  /// Writes the observation in `state`, to evaluate a network in every cell.
  /// REQUIRES: out holds observation_shape.elements(); 0 <= state < task().mdp.num_states().
  void observe_state(std::span<float> out, std::int32_t state) const;

  const GridTask& task() const { return *task_; }

 private:
  void start(const RandomStream& stream, std::uint64_t draw) override;
  Transition advance(int action, const RandomStream& stream, std::uint64_t draw) override;
  void write_physical(std::span<double> out) const override { out[0] = state_; }
  void read_physical(std::span<const double> values) override {
    state_ = static_cast<std::int32_t>(values[0]);
  }
  bool is_terminal(std::span<const double> values) const override;

  std::shared_ptr<const GridTask> task_;
  GridObservation observation_;
  std::shared_ptr<const std::vector<float>> background_;  // the observation without the agent
  std::int32_t state_ = 0;
};

/// `env` as a gridworld; null if it is none.
const TabularEnv* as_tabular(const Env& env);

}  // namespace bellman
