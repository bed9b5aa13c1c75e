// Copies of an environment whose random streams have nothing in common.
#pragma once

#include <memory>
#include <vector>

#include "envs/env.h"

namespace bellman::python {

/// Copy e draws from streams[e]. One steps after the other.
std::unique_ptr<BatchEnv> seeded_batch(const EnvFactory& make_env, const std::vector<RandomStream>& streams);

}  // namespace bellman::python
