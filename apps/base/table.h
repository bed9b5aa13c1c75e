// Tables of text, their columns aligned.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bellman {

enum class Align { kLeft, kRight };

class Table {
 public:
  /// REQUIRES: as many alignments as headings.
  Table(std::vector<std::string> headings, std::vector<Align> alignment);

  /// REQUIRES: as many cells as headings. Widths are counted in characters of UTF-8.
  void add(std::vector<std::string> row);
  /// Text across all columns, above the next row, of any width; it may have line ends within.
  void add_line(std::string line);
  /// Headings and rows, a line each, columns two spaces apart, no spaces at a line's end.
  std::string text() const;

 private:
  std::string aligned(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) const;

  struct Line {
    std::size_t before;  // the row that it stands before
    std::string text;
  };
  std::vector<std::vector<std::string>> rows_;
  std::vector<Line> lines_;
  std::vector<Align> alignment_;
};

}  // namespace bellman
