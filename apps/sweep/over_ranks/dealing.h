// Which ranks get the runs that wait, by how fast each has been.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bellman {

/// A place where one run trains at a time, on some rank.
struct RunPlace {
  std::optional<double> seconds_per_run;  // of the rank's runs so far; empty: none has ended
  std::optional<double> running_for;      // seconds; empty: the place is idle
};

/// The idle places that get a run now, the first of `waiting` first. An idle place gets none when the other places would be
/// done with all that wait before it would be with one: a slow rank then ends nothing late. A place of unknown speed gets a
/// run at once. A run that takes longer than its rank's others is expected to take as long again as it is late.
std::vector<std::size_t> places_to_deal(std::span<const RunPlace> places, std::size_t waiting);

}  // namespace bellman
