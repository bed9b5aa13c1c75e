// stderr without control characters. Messages name files and directories, and such a name may hold sequences that
// would control the terminal.
#pragma once

#include <algorithm>
#include <array>
#include <iostream>
#include <streambuf>

#include "core/base/text.h"

namespace bellman {

/// stderr with the control characters that redraw a picture in place.
inline std::ostream& unfiltered_stderr() {
  static std::ostream out(std::cerr.rdbuf());
  return out;
}

/// While it lives, control characters on std::cerr become spaces, except line ends. Only one may live at a time.
class CleanStderr final : private std::streambuf {
 public:
  CleanStderr() : unfiltered_(unfiltered_stderr().rdbuf()) { std::cerr.rdbuf(this); }
  ~CleanStderr() override { std::cerr.rdbuf(unfiltered_); }
  CleanStderr(const CleanStderr&) = delete;
  CleanStderr& operator=(const CleanStderr&) = delete;

 private:
  char clean(char c) { return c == '\n' ? c : filter_.next(c); }

  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    return unfiltered_->sputc(clean(traits_type::to_char_type(c)));
  }
  /// In pieces, without taking memory: what it writes may say that there is none.
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    std::array<char, 256> piece;
    std::streamsize written = 0;
    while (written < size) {
      const std::streamsize count = std::min<std::streamsize>(size - written, piece.size());
      std::transform(text + written, text + written + count, piece.begin(),
                     [this](char c) { return clean(c); });
      if (unfiltered_->sputn(piece.data(), count) != count) return written;
      written += count;
    }
    return written;
  }
  int sync() override { return unfiltered_->pubsync(); }

  std::streambuf* unfiltered_;
  ControlFilter filter_;
};

}  // namespace bellman
