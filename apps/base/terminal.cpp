#include "apps/base/terminal.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr std::string_view kClearToEndOfLine = "\x1b[K", kClearToEndOfScreen = "\x1b[J";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// The column where the line's second column begins, or else where its first word does.
std::size_t hanging_indent(std::string_view line, std::size_t width) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", begin);
  if (gap == std::string_view::npos) return begin;
  const std::size_t column = characters(line.substr(0, line.find_first_not_of(' ', gap)));
  return 2 * column <= width ? column : begin;
}

void append_wrapped(std::string& out, std::string_view line, std::size_t width) {
  const std::size_t indent = characters(line) <= width ? 0 : hanging_indent(line, width);
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t word = std::min(line.find_first_not_of(' ', begin), line.size());
    const std::size_t end = std::min(line.find(' ', word), line.size());
    const std::size_t length = characters(line.substr(word, end - word));
    std::size_t blanks = word - begin;
    if (begin > 0 && column + blanks + length > width) {
      out += '\n';
      column = 0;
      blanks = indent;
    }
    out.append(blanks, ' ').append(line.substr(word, end - word));
    column += blanks + length;
    begin = end;
  }
}

}  // namespace

int terminal_descriptor(int descriptor) {
  const char* const terminal = std::getenv("TERM");
  const bool can_redraw = terminal && *terminal != '\0' && std::string_view(terminal) != "dumb";
  return can_redraw && ::isatty(descriptor) ? descriptor : -1;
}

TerminalSize terminal_size(int descriptor) {
  TerminalSize size;
  winsize actual{};
  if (::ioctl(descriptor, TIOCGWINSZ, &actual) != 0) return size;
  if (actual.ws_col > 0) size.columns = actual.ws_col;
  if (actual.ws_row > 0) size.rows = actual.ws_row;
  return size;
}

std::size_t line_width(int descriptor) {
  if (!::isatty(descriptor)) return static_cast<std::size_t>(-1);
  return terminal_size(descriptor).columns - 1;  // some terminals wrap when the last column is written
}

std::string_view cut(std::string_view text, std::size_t width) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (begins_character(text[i]) && width-- == 0) return text.substr(0, i);
  return text;
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += begins_character(c);
  return count;
}

std::string wrapped(std::string_view text, std::size_t width) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    append_wrapped(out, text.substr(begin, end - begin), width);
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

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

std::string Table::text(std::size_t width) const {
  std::string table = text();
  std::size_t widest = 0, headings = 0;
  for (std::size_t begin = 0; begin < table.size(); begin = table.find('\n', begin) + 1)
    widest =
        std::max(widest, characters(std::string_view(table).substr(begin, table.find('\n', begin) - begin)));
  if (widest <= width) return table;
  for (std::size_t i = 1; i < rows_[0].size(); ++i) headings = std::max(headings, characters(rows_[0][i]));
  std::string text;
  auto line = lines_.begin();
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (; line != lines_.end() && line->before == r; ++line) text += wrapped(line->text + '\n', width);
    if (r == 0) continue;
    text += wrapped(rows_[r][0] + '\n', width);
    for (std::size_t i = 1; i < rows_[r].size(); ++i)
      if (const std::string& heading = rows_[0][i]; !rows_[r][i].empty())
        text += wrapped(
            "  " + heading + std::string(headings - characters(heading), ' ') + "  " + rows_[r][i] + '\n',
            width);
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

TerminalPicture::~TerminalPicture() { finish(); }

void TerminalPicture::draw(std::vector<std::string> lines) {
  if (lines.empty()) return clear();
  std::string codes = "\r";
  for (std::size_t i = 0; i < lines.size(); ++i)
    codes.append(i == 0 ? "" : "\n").append(lines[i]).append(kClearToEndOfLine);
  codes.append(kClearToEndOfScreen);
  if (lines.size() > 1) codes.append("\x1b[").append(std::to_string(lines.size() - 1)).append("A");
  out_ << codes << '\r' << std::flush;
  lines_ = std::move(lines);
}

void TerminalPicture::clear() {
  // Not from the first character: tmux takes that for clearing the whole screen, and keeps the lines.
  if (!lines_.empty()) out_ << '\r' << kClearToEndOfLine << ' ' << kClearToEndOfScreen << '\r' << std::flush;
  lines_.clear();
}

void TerminalPicture::finish() {
  if (lines_.empty()) return;
  const std::vector<std::string> lines = std::move(lines_);
  lines_.clear();
  out_ << '\r';
  for (const std::string& line : lines) out_ << line << kClearToEndOfLine << '\n';
  out_ << kClearToEndOfScreen << std::flush;
}

}  // namespace bellman
