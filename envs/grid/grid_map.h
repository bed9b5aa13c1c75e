// Maps of gridworlds as text. A map comes from anywhere, so every line of it is checked.
//
// First header lines `key: value`, each at most once, in any order; then the rows. A line that begins with
// `;` is a comment, wherever it stands; empty lines stand before the first row or after the last.
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
// A step off the map stays where it is, too; a border of walls is not needed.
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

/// What a letter or digit of the map stands for.
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

  /// Null for a letter that is not bound.
  const GridMark* find_mark(char letter) const;
};

/// Reads a map as above. `name` is what error messages call it. Throws: Error, naming line, row and column
/// (all from 1), for anything else; a map without a start or without a goal (`G` or a terminal letter)
/// included.
GridMap parse_grid_map(std::string_view text, const std::string& name);

/// The lines of a map that say something: without comments, empty lines, blanks around a header's key and
/// value, and carriage returns. It is read as the same map. REQUIRES: parse_grid_map or parse_frozen_lake_map
/// takes `text`.
std::string plain_map_text(std::string_view text);

/// The text of a map file, without a byte-order mark. Throws: Error, naming the file, when it cannot be read,
/// is no text (core/io/files.h), or is larger than kMaxMapBytes.
std::string read_map_file(const std::string& path);

// ---- for readers of other maps ----

struct MapLine {
  std::size_t number;  // from 1
  std::string_view text;
};

/// The lines of a text, without their ends (LF or CR LF). Comments are left out, and empty lines before the
/// first and after the last of the others. Throws: Error for a text of more than kMaxMapBytes.
std::vector<MapLine> map_lines(std::string_view text, const std::string& name);

/// Throws: Error unless rows are at least one, not too many, of one length, not too long, and made of letters
/// of `allowed`. Lines are those of the rows.
void check_map_rows(const std::vector<MapLine>& lines, std::string_view allowed, const std::string& name);

}  // namespace bellman
