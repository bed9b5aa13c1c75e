#include "core/base/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <limits>

#include "core/base/check.h"

namespace bellman {
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
  std::array<char, 256> text;
  std::va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  BELLMAN_CHECK(size >= 0 && static_cast<std::size_t>(size) < text.size());
  return text.data();
}

double shown(double number) { return std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number; }

}  // namespace bellman
