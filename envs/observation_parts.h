// What the elements of an observation are, in words.
#pragma once

#include <string>
#include <vector>

#include "envs/env.h"

namespace bellman {

struct ObservationPart {
  std::string place;    // "0"; "row * 4 + column"; "plane 2"
  std::string meaning;  // "cart position, m, 0 in the middle; ..."
};

/// In the order of the observation of make_env(options). Throws: Error as make_env().
std::vector<ObservationPart> observation_parts(const EnvOptions& options);

}  // namespace bellman
