// Environments of Python packages, played by child processes: `gymnasium:ID` and `envpool:ID`.
//
// Each reset passes a seed, which is a function of (seed, stream, count of resets): a run repeats itself as far as the
// environment takes all its chance from that seed. An episode that is under way can be saved when a copy restored from
// its pickle, or by the environment's own get_state and set_state, plays on as the original; a worker tries that when
// it starts.
#pragma once

#include <string_view>

#include "envs/env.h"

namespace bellman {

/// Whether a process plays the environment with this id: "gymnasium:..." or "envpool:...".
bool is_process_id(std::string_view id);

/// Starts a worker, which describes the environment. All copies of one factory share workers: an Env has one worker
/// with the others, a batch has options.env_workers of its own (0: a worker a processor). Throws: Error as EnvWorker.
EnvFactory process_env_factory(const EnvOptions& options);

}  // namespace bellman
