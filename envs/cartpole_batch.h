// Many carts with poles, a register full of them at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "envs/batch_env.h"

namespace bellman {

/// `env` is a CartPole, whose copies these are: it says what states there can be.
std::unique_ptr<BatchEnv> make_cartpole_batch(std::unique_ptr<Env> env, bool sutton_barto_reward,
                                              Index copies, std::uint64_t seed, Purpose purpose);

}  // namespace bellman
