// Environments that Python plays, as the engine's: one call into Python a vector step.
#pragma once

#include "envs/env.h"
#include "python/src/bindings.h"

namespace bellman::python {

/// Makes environments of a bellman._bridge.Bridge: the first that is used in a batch is the bridge's own, for training;
/// those that are seeded for evaluation are of the bridge's new_env(). Where that gives None, evaluations are of an
/// environment whose episodes end at once. An exception in Python passes through the engine as nb::python_error.
EnvFactory python_env_factory(const nb::object& bridge);

}  // namespace bellman::python
