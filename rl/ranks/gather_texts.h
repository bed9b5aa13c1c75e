// A text of every rank, on every rank: settings, names of files, errors.
#pragma once

#include <string>
#include <vector>

#include "rl/ranks/ranks.h"

namespace bellman {

/// Each rank's text (N), in rank order; they may differ in length. Collective. Throws: as Ranks::all_gather.
std::vector<std::string> gather_texts(Ranks& ranks, const std::string& own);

}  // namespace bellman
