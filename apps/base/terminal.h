// A terminal as a place to draw in: its size, and a picture that is redrawn in place.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace bellman {

/// That of stdout or stderr when it is a terminal that can be redrawn (TERM is set and not "dumb"), else -1.
int terminal_descriptor(int descriptor);

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};

/// The usual size where the terminal does not say its own.
TerminalSize terminal_size(int descriptor);

/// How wide lines may be that are written there: whatever fits a terminal, dumb or not, and no bound
/// elsewhere.
std::size_t line_width(int descriptor);

/// The first `width` characters of UTF-8 text.
std::string_view cut(std::string_view text, std::size_t width);
/// Characters of UTF-8 text.
std::size_t characters(std::string_view text);

/// The lines of UTF-8 text with line ends between words, so that each is at most `width` characters wide where
/// its words allow it. What goes on in another line is indented: to the column where the second column of a
/// row begins (behind two spaces or more) if that leaves it half of the width, else as the line itself.
/// Commands for a shell are not for this: they must stay one line to be copied.
std::string wrapped(std::string_view text, std::size_t width);

/// Some lines that are redrawn in place. Between two drawings the cursor stands at their first character: a
/// terminal that wraps them anew when it is made narrower keeps it there, so the next drawing covers them
/// all.
class TerminalPicture {
 public:
  /// REQUIRES: out outlives it.
  explicit TerminalPicture(std::ostream& out) : out_(out) {}
  /// As finish().
  ~TerminalPicture();
  TerminalPicture(const TerminalPicture&) = delete;
  TerminalPicture& operator=(const TerminalPicture&) = delete;

  /// In place of what was drawn before. REQUIRES: the lines fit the terminal, the last column left free (some
  /// terminals wrap when it is written), and are no more than its rows.
  void draw(std::vector<std::string> lines);
  /// Takes the picture away: whatever is written next stands in its place.
  void clear();
  /// The picture stays. Whatever is written next starts on a fresh line.
  void finish();

 private:
  std::ostream& out_;
  std::vector<std::string> lines_;  // what stands there
};

}  // namespace bellman
