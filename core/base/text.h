// Text of messages and files: untrusted bytes made printable, numbers, "did you mean", UTF-8.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bellman {

/// `text` for a message: '?' replaces what is not printable ASCII, and it ends after 60 characters. The
/// content of a file or argument must neither control the terminal that shows the message nor flood it.
std::string printable(std::string_view text);

/// Replaces the control characters of UTF-8 text by spaces, byte by byte: ASCII's and U+0080 to U+009F.
class ControlFilter {
 public:
  char next(char c);

 private:
  char before_ = 0;
};

/// The fewest digits that parse to the same number. A whole number up to 2^53 has all its digits and no
/// exponent: "100000", not "1e+05". NaN and infinity are "nan", "inf" and "-inf".
std::string number_text(double value);
std::string number_text(float value);

/// As printf formats the arguments. REQUIRES: the text has at most 255 characters.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

/// The number for a message: a NaN without its sign.
double shown(double number);

/// The known name with the fewest edits (Levenshtein 1966) from `name`, the first of equals; case is ignored.
/// Empty when none is near: more than one letter and over a third of the longer name, or every letter, would
/// change.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// The end of an error message: ` (did you mean "CartPole-v1"?)`, or ` (known: a, b, c)` when no name is
/// near.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

/// Whether `text` is valid UTF-8 (RFC 3629): no invalid first byte, no truncated or overlong character, no
/// surrogate (U+D800 to U+DFFF), and nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace bellman
