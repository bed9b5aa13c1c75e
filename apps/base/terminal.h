// Text for a terminal: widths, line breaks, tables with aligned columns, and lines that are redrawn in place.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace bellman {

/// `descriptor` when it is a terminal that can be redrawn (TERM is set and not "dumb"), else -1.
int terminal_descriptor(int descriptor);

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};

/// The default size where the terminal does not report its own.
TerminalSize terminal_size(int descriptor);

/// The largest width of a line written there: a terminal's, dumb or not; unbounded elsewhere.
std::size_t line_width(int descriptor);

/// The first `width` characters of UTF-8 text.
std::string_view cut(std::string_view text, std::size_t width);
/// Characters of UTF-8 text.
std::size_t characters(std::string_view text);

/// The lines of UTF-8 text, broken between words so that each is at most `width` characters wide where its
/// words allow it. A continuation is indented to the second column of a row (behind two spaces or more) if
/// that leaves it half of the width, else as the line itself. Not for shell commands: they must stay one line
/// to be copied.
std::string wrapped(std::string_view text, std::size_t width);

enum class Align { kLeft, kRight };

/// A table of text with aligned columns.
class Table {
 public:
  /// REQUIRES: as many alignments as headings.
  Table(std::vector<std::string> headings, std::vector<Align> alignment);

  /// REQUIRES: as many cells as headings. Widths are counted in characters of UTF-8.
  void add(std::vector<std::string> row);
  /// Text of any width across all columns, above the next row; it may contain line ends.
  void add_line(std::string line);
  /// Headings and rows, a line each, columns two spaces apart, no spaces at a line's end.
  std::string text() const;
  /// The same where it fits lines of `width` characters. Otherwise each row is a block: its first cell, and below it a line
  /// a further cell, heading and cell; what is too long is wrapped.
  std::string text(std::size_t width) const;

 private:
  std::string aligned(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) const;

  struct Line {
    std::size_t before;  // the row below it
    std::string text;
  };
  std::vector<std::vector<std::string>> rows_;
  std::vector<Line> lines_;
  std::vector<Align> alignment_;
};

/// Lines that are redrawn in place. Between two drawings the cursor stands at their first character: a
/// terminal that is made narrower wraps the lines again and keeps the cursor there, so the next drawing
/// covers them all.
class TerminalPicture {
 public:
  /// REQUIRES: out outlives it.
  explicit TerminalPicture(std::ostream& out) : out_(out) {}
  /// As finish().
  ~TerminalPicture();
  TerminalPicture(const TerminalPicture&) = delete;
  TerminalPicture& operator=(const TerminalPicture&) = delete;

  /// Replaces the earlier drawing. REQUIRES: the lines fit the terminal's rows, and its columns but for the
  /// last (some terminals wrap when that is written).
  void draw(std::vector<std::string> lines);
  /// Erases the drawing: the next output takes its place.
  void clear();
  /// Keeps the drawing: the next output starts on a new line.
  void finish();

 private:
  std::ostream& out_;
  std::vector<std::string> lines_;  // on the screen
};

}  // namespace bellman
