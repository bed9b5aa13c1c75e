// The options of Atari games (EnvOptions::atari): what they may be, and how a worker gets them.
#pragma once

#include <string>

#include "envs/env.h"

namespace bellman {

/// Throws: Error for an option out of its range, for one without `atari`, and for `atari` unless the environment
/// `can_be_atari`.
void check_atari(const EnvOptions& options, bool can_be_atari);

/// As evaluations play it: a game to its end, whatever ends an episode of training.
EnvOptions evaluation_options(EnvOptions options);

/// A JSON object of the keyword arguments of atari_game in envs/process/atari.py; empty without `atari`.
std::string atari_arguments(const EnvOptions& options);

}  // namespace bellman
