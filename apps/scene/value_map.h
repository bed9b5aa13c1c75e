// Maps of a gridworld's values, with an arrow for the best action of each cell.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/page/chart.h"
#include "envs/grid/grid_task.h"

namespace bellman {

/// "↑", "→", "↓" or "←".
std::string_view arrow(Direction direction);

/// max_a q(s, a) of each playable cell, q(S,A), and the arrow of its first best action, beside S where the map has it;
/// other cells show their letter.
HeatMap value_map(const GridTask& task, std::span<const double> q, std::string title,
                  std::string how_to_read);

/// One moment of a Q-table that changes.
struct ValueMoment {
  std::string caption;
  std::vector<double> q;           // (S,A); NaN: unknown
  std::vector<double> shown = {};  // (S): what is shown of each cell; empty: max_a q(s, a)
};

struct ValuePlayerLook {
  bool diverging = false;  // colours from blue through white, which is 0, to red
  std::size_t most_moments = 100;
};

/// The value maps of all moments as a figure with a slider. `id` is unique on the page. Long series are thinned to about
/// most_moments, the last among them. Empty without moments, and where no cell ever has a number to show.
Markup value_player(std::string_view id, const GridTask& task, std::span<const ValueMoment> moments,
                    std::string title, std::string how_to_read, const ValuePlayerLook& look = {});

}  // namespace bellman
