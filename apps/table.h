// Tables of text, their columns aligned.
#pragma once

#include <string>
#include <vector>

namespace bellman {

enum class Align { kLeft, kRight };

class Table {
 public:
  /// REQUIRES: as many alignments as headings.
  Table(std::vector<std::string> headings, std::vector<Align> alignment);

  /// REQUIRES: as many cells as headings. Widths are counted in bytes: cells are ASCII.
  void add(std::vector<std::string> row);
  /// Headings and rows, a line each, columns two spaces apart, no spaces at a line's end.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<Align> alignment_;
};

}  // namespace bellman
