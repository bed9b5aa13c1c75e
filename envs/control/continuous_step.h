// The list of tasks whose state is a few real numbers. A new task is one header and one name here; it is then
// listed, played, batched in registers, and trained in the agent kernel.
#pragma once

#include <tuple>

#include "envs/control/acrobot_step.h"
#include "envs/control/cartpole_step.h"
#include "envs/control/continuous_task.h"
#include "envs/control/mountain_car_step.h"

namespace bellman {

using ContinuousTasks = std::tuple<CartPole, MountainCar, Acrobot>;

inline constexpr int kContinuousTasks = static_cast<int>(std::tuple_size_v<ContinuousTasks>);
template <int number>
using ContinuousTask = std::tuple_element_t<static_cast<std::size_t>(number), ContinuousTasks>;

}  // namespace bellman
