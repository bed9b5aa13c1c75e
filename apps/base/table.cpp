#include "apps/base/table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "apps/base/terminal.h"
#include "core/base/check.h"

namespace bellman {

Table::Table(std::vector<std::string> headings, std::vector<Align> alignment)
    : alignment_(std::move(alignment)) {
  add(std::move(headings));
}

void Table::add(std::vector<std::string> row) {
  BELLMAN_CHECK(row.size() == alignment_.size());
  rows_.push_back(std::move(row));
}

void Table::add_line(std::string line) { lines_.push_back({rows_.size(), std::move(line)}); }

std::string Table::text() const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const std::vector<std::string>& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i]));

  std::string text;
  auto line = lines_.begin();
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (; line != lines_.end() && line->before == r; ++line) text += line->text + '\n';
    text += aligned(rows_[r], widths) + '\n';
  }
  return text;
}

std::string Table::aligned(const std::vector<std::string>& row,
                           const std::vector<std::size_t>& widths) const {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string padding(widths[i] - characters(row[i]), ' ');
    line += (i ? "  " : "") + (alignment_[i] == Align::kLeft ? row[i] + padding : padding + row[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace bellman
