#include "apps/base/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <system_error>
#include <type_traits>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view text, std::string_view what) {
  fail(key, ": \"", printable(text), "\" is ", what);
}

/// Reads all of `text` as one number. A leading + is skipped: from_chars does not accept it.
template <class T>
std::errc read(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc()) return error;
  return stop == end ? std::errc() : std::errc::invalid_argument;
}

/// 500_000 and 500'000 as 500000: a separator stands between two digits.
std::string without_separators(std::string_view text) {
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator = (text[i] == '_' || text[i] == '\'') && i > 0 && digit(i - 1) && digit(i + 1);
    if (!separator) plain += text[i];
  }
  return plain;
}

/// Reads digits, with separators between them; also 5e5 and 5.0 up to 2^53, to which a double is exact.
/// Throws: Error for a number that is not whole.
template <class T>
std::errc read_whole(std::string_view key, std::string_view text, T& value) {
  const std::string plain = without_separators(text);
  const std::errc error = read(plain, value);
  double real = 0;
  if (error != std::errc::invalid_argument || read(plain, real) != std::errc()) return error;
  if (!(std::abs(real) <= 0x1p53 && real == std::floor(real))) refuse(key, text, "not a whole number");
  if (std::is_unsigned_v<T> && real < 0) return error;
  value = static_cast<T>(real);
  return {};
}

double parse_double(std::string_view key, std::string_view text) {
  double value = 0;
  const std::errc error = read(text, value);
  if (error == std::errc::result_out_of_range) refuse(key, text, "beyond what a double can hold");
  if (error != std::errc()) refuse(key, text, "not a number");
  if (!std::isfinite(value)) refuse(key, text, "not a finite number");
  return value;
}

}  // namespace

Index parse_integer(std::string_view key, std::string_view text, Index minimum, Index maximum) {
  Index value = 0;
  const std::errc error = read_whole(key, text, value);
  if (error == std::errc::result_out_of_range) refuse(key, text, "too large a number");
  if (error != std::errc()) refuse(key, text, "not a whole number");
  if (value < minimum || value > maximum)
    fail(key, ": ", printable(text), " is out of range, it must be within ", minimum, " .. ", maximum);
  return value;
}

std::uint64_t parse_seed(std::string_view key, std::string_view text) {
  std::uint64_t value = 0;
  const std::errc error = read_whole(key, text, value);
  if (error == std::errc::result_out_of_range) refuse(key, text, "above 2^64-1");
  if (error != std::errc()) refuse(key, text, "not a whole number of 0 .. 2^64-1");
  return value;
}

double parse_real(std::string_view key, std::string_view text, double minimum, double maximum) {
  const std::size_t slash = text.find('/');
  double value = 0;
  if (slash == std::string_view::npos) {
    value = parse_double(key, text);
  } else {
    const double divisor = parse_double(key, text.substr(slash + 1));
    if (divisor == 0) refuse(key, text, "a division by zero");
    value = parse_double(key, text.substr(0, slash)) / divisor;
  }
  if (!(value >= minimum && value <= maximum))
    fail(key, ": ", printable(text), " is out of range, it must be within ", minimum, " .. ", maximum);
  return value;
}

std::vector<double> parse_reals(std::string_view key, std::string_view text, double minimum, double maximum) {
  std::vector<double> values;
  for (const std::string& part : split_list(text, ','))
    values.push_back(parse_real(key, part, minimum, maximum));
  return values;
}

std::vector<Index> parse_integers(std::string_view key, std::string_view text, Index minimum, Index maximum) {
  std::vector<Index> values;
  for (const std::string& part : split_list(text, ','))
    values.push_back(parse_integer(key, part, minimum, maximum));
  return values;
}

Shape parse_shape(std::string_view key, std::string_view text) {
  constexpr Index kMaxExtent = 1 << 20, kMaxElements = 1 << 28;
  Shape shape;
  if (text.empty()) return shape;
  const std::vector<Index> extents = parse_integers(key, text, 1, kMaxExtent);
  if (extents.size() != 1 && extents.size() != 3)
    fail(key, ": \"", printable(text), "\" has ", extents.size(),
         " numbers; features are one, I, and images three, C,H,W");
  Index elements = 1;
  for (const Index extent : extents) {
    if (extent > kMaxElements / elements)
      fail(key, ": \"", printable(text), "\" has more than ", kMaxElements, " elements");
    elements *= extent;
    shape.append(extent);
  }
  return shape;
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

std::string short_number(double value) {
  return formatted(std::abs(value) >= 1000 && std::abs(value) < 1e9 ? "%.0f" : "%.4g", value);
}

std::string counted(std::size_t count, const std::string& noun) {
  return with_separators(static_cast<Index>(count)) + " " + noun + (count == 1 ? "" : "s");
}

std::string mebibytes(Index bytes) { return with_separators((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

std::string with_separators(Index count) {
  std::string digits = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, ",");
  return digits;
}

std::string duration_text(double seconds) {
  const auto s = static_cast<long long>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  if (s < 60) return formatted("%lld s", s);
  if (s < 3600) return formatted("%lld:%02lld min", s / 60, s % 60);
  return formatted("%lld:%02lld:%02lld h", s / 3600, s / 60 % 60, s % 60);
}

std::string shape_text(const Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

}  // namespace bellman
