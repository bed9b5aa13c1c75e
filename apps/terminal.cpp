#include "apps/terminal.h"

#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace bellman {
namespace {

constexpr std::string_view kClearToEndOfLine = "\x1b[K", kClearToEndOfScreen = "\x1b[J";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

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
  // Not from the first character: tmux would take that for clearing the whole screen and keep the lines.
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
