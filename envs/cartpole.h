// A pole stands on a cart; pushing the cart left or right keeps it standing. Its equations: cartpole_step.h.
#pragma once

#include <memory>
#include <string>

#include "envs/env.h"

namespace bellman {

/// `id` and `max_episode_steps` distinguish CartPole-v0 (200 steps, solved at 195) from v1 (500, 475).
/// Observation (4): x, x_dot, theta, theta_dot, as float. Physical state: the same four in double.
std::unique_ptr<Env> make_cartpole(std::string id, Index max_episode_steps, double reward_threshold,
                                   bool sutton_barto_reward);

}  // namespace bellman
