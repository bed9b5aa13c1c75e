// diagnostics.csv, as tests read it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/io/files.h"
#include "rl/learn/phase_clock.h"

namespace bellman::test {

/// The rows without what depends on the clock.
inline std::vector<std::string> lines_of(const std::filesystem::path& path,
                                         std::size_t seconds = kPhaseNames.size()) {
  std::istringstream file(read_text_file(path, std::uint64_t{1} << 24));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    for (std::size_t i = 0; i < seconds; ++i) line.resize(line.rfind(','));
    lines.push_back(line);
  }
  return lines;
}

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) c == ',' ? (void)cells.emplace_back() : cells.back().push_back(c);
  return cells;
}

/// The numbers under a name, row after row; NaN for an empty cell.
inline std::vector<double> column(const std::filesystem::path& path, const std::string& name) {
  const std::vector<std::string> lines = lines_of(path, 0), names = cells_of(lines.front());
  const auto place = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  CAPTURE(name);
  REQUIRE(place < names.size());
  std::vector<double> values;
  for (std::size_t row = 1; row < lines.size(); ++row) {
    const std::vector<std::string> cells = cells_of(lines[row]);
    REQUIRE(cells.size() == names.size());
    values.push_back(cells[place].empty() ? std::nan("") : std::stod(cells[place]));
  }
  return values;
}

}  // namespace bellman::test
