#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

#include "core/base/check.h"

namespace bellman {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string result(text.substr(0, kLongest));
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return text.size() > kLongest ? result + "..." : result;
}

char ControlFilter::next(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const bool is_second = before_ == '\xc2' && byte >= 0x80 && byte < 0xa0;
  before_ = c;
  if (is_second) return '\xa0';  // U+00A0, a space, too
  return byte < 0x20 || byte == 0x7f ? ' ' : c;
}

namespace {

template <class T>
std::string text_of(T value) {
  constexpr T kMostWhole = T(0x1p53);
  std::array<char, 32> text;
  char* const first = text.data();
  char* const last = first + text.size();
  const bool whole = std::abs(value) <= kMostWhole && value == std::trunc(value);
  const auto [end, error] =
      whole ? std::to_chars(first, last, value, std::chars_format::fixed) : std::to_chars(first, last, value);
  BELLMAN_CHECK(error == std::errc());
  return {first, end};
}

}  // namespace

std::string number_text(double value) { return text_of(value); }
std::string number_text(float value) { return text_of(value); }

std::string formatted(const char* format, ...) {
  std::array<char, 256> short_text;
  std::va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(short_text.data(), short_text.size(), format, arguments);
  va_end(arguments);
  BELLMAN_CHECK(length >= 0);
  const auto size = static_cast<std::size_t>(length);
  std::string text(short_text.data(), std::min(size, short_text.size() - 1));
  if (size > text.size()) {  // %f of a large double
    text.resize(size);
    std::vsnprintf(text.data(), text.size() + 1, format, again);
  }
  va_end(again);
  return text;
}

double shown(double number) { return std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number; }

namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The number of insertions, deletions and replacements that turn `a` into `b`; or some number above `limit`
/// when it is above `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  // row[j] = distance from the letters of a so far to the first j letters of b. A row's minimum is never
  // below the previous row's.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    std::size_t least = row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
      least = std::min(least, row[j + 1]);
    }
    if (least > limit) return least;
  }
  return row.back();
}

/// The most edits with which `a` can be a misspelling of `b`.
std::size_t edit_limit(std::string_view a, std::string_view b) {
  const std::size_t longer = std::max(a.size(), b.size());
  return longer < 2 ? 0 : std::max<std::size_t>(1, longer / 3);
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t fewest = 0;
  for (std::string_view candidate : known) {
    const std::size_t limit = edit_limit(name, candidate);
    const std::size_t difference =
        std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size());
    if (difference > limit) continue;  // also bounds the time for a very long name
    const std::size_t edits = edit_distance(name, candidate, limit);
    if (edits > limit || (!best.empty() && edits >= fewest)) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_name(name, known);
  if (!nearest.empty()) return " (did you mean \"" + std::string(nearest) + "\"?)";
  std::string text = " (known: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0) text += ", ";
    text += known[i];
  }
  return text + ")";
}

namespace {

/// The bytes that follow a first byte: their number, and the range of the second, which excludes overlong
/// forms, surrogates and numbers above U+10FFFF (RFC 3629, section 4). Later ones are 0x80 to 0xbf.
struct Following {
  std::size_t bytes;
  unsigned char low, high;
};

constexpr Following kNone = {0, 0, 0};

Following following(unsigned char first) {
  if (first >= 0xc2 && first <= 0xdf) return {1, 0x80, 0xbf};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {2, 0x80, 0xbf};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3) return {3, 0x80, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  return kNone;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    if (byte(i) < 0x80) {
      ++i;
      continue;
    }
    const Following rest = following(byte(i));
    if (rest.bytes == 0 || text.size() - i <= rest.bytes) return false;
    if (byte(i + 1) < rest.low || byte(i + 1) > rest.high) return false;
    for (std::size_t k = 2; k <= rest.bytes; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    i += rest.bytes + 1;
  }
  return true;
}

}  // namespace bellman
