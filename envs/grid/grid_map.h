// Maps of gridworlds as text. Maps are untrusted, so every line is checked.
//
// Header lines `key: value` come first, each at most once, in any order; then the rows. A line that starts
// with `;` is a comment anywhere. Empty lines may precede the first row and follow the last.
//
//   step_cost: 0.04          every step's reward is -step_cost ...                       (default 0)
//   goal_reward: 1           ... plus this on entering a goal ...                        (default 1)
//   pit_reward: -1           ... or this on entering a pit ...                           (default -1)
//   a: reward=0.5            ... or this on entering a cell marked `a`, each time; any
//                            letter or digit but S, G, H
//   b: reward=2 terminal     the same, and the task ends there
//   slip: 0.2                probability of moving to a side: half to the left, half to
//                            the right                                                   (default 0)
//   max_steps: 100           the time limit; 0: none       (default 4 times the number of cells)
//   solved_return: 0.9       mean return that counts as solved                 (default: not defined)
//
//   #######      #        wall: who walks into it stays
//   #S..a.#      . space  floor
//   #.#.#.#      S        start; of several, one is drawn at random, each as likely
//   #.H..G#      G H      goal and pit: entering ends the task
//   #######      a b ...  marked cells
//
// A step off the map stays, too, so a border of walls is not needed.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

inline constexpr std::size_t kMaxMapBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxMapRows = 256, kMaxMapCols = 256;
inline constexpr std::size_t kMaxMapHeaderChars = 1000;  // of a line

/// The meaning of a letter or digit of the map.
struct GridMark {
  char letter;
  double reward;
  bool terminal;
};

struct GridMap {
  std::vector<std::string> rows;  // all of one length, at least one
  double step_cost = 0;
  double goal_reward = 1;
  double pit_reward = -1;
  double slip = 0;
  Index max_steps = 0;
  double solved_return = std::numeric_limits<double>::quiet_NaN();
  std::vector<GridMark> marks;

  /// Null for a letter without a meaning.
  const GridMark* find_mark(char letter) const;
};

/// Reads such a map, which error messages call `name`. Throws: Error that names line, row and column (all
/// from 1), for anything else, including a map without a start or without a goal (`G` or a terminal letter).
GridMap parse_grid_map(std::string_view text, const std::string& name);

/// The map's text without comments, empty lines, blanks around a header's key and value, and carriage
/// returns: the same map. REQUIRES: parse_grid_map or parse_frozen_lake_map accepts `text`.
std::string plain_map_text(std::string_view text);

/// The text of a map file, without a byte-order mark. Throws: Error that names the file, when it cannot be
/// read, is not a text (core/io/files.h), or is larger than kMaxMapBytes.
std::string read_map_file(const std::string& path);

// ---- for readers of other map formats

struct MapLine {
  std::size_t number;  // from 1
  std::string_view text;
};

/// The lines of a text without line ends (LF or CR LF), comments, and leading and trailing empty lines.
/// Throws: Error for a text of more than kMaxMapBytes.
std::vector<MapLine> map_lines(std::string_view text, const std::string& name);

/// Throws: Error unless the lines are 1 to kMaxMapRows rows of one length, at most kMaxMapCols, of letters in
/// `allowed`.
void check_map_rows(const std::vector<MapLine>& lines, std::string_view allowed, const std::string& name);

}  // namespace bellman
