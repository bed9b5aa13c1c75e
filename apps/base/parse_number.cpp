#include "apps/base/parse_number.h"

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <type_traits>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view text, std::string_view what) {
  fail(key, ": \"", printable(text), "\" is ", what);
}

/// Reads all of `text` as one number; what is left of a leading + that from_chars does not take.
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

/// Reads digits, with separators between them; also 5e5 and 5.0: exact as a double up to 2^53, beyond which
/// nobody writes an exponent for a count. Throws: Error for a number that is not whole.
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

template <class T, class Parse>
std::vector<T> parse_list(std::string_view text, const Parse& parse) {
  std::vector<T> values;
  for (;;) {
    const std::size_t comma = text.find(',');
    std::string_view element = text.substr(0, comma);
    while (element.starts_with(' ')) element.remove_prefix(1);
    while (element.ends_with(' ')) element.remove_suffix(1);
    values.push_back(parse(element));
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
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
  return parse_list<double>(text, [&](std::string_view e) { return parse_real(key, e, minimum, maximum); });
}

std::vector<Index> parse_integers(std::string_view key, std::string_view text, Index minimum, Index maximum) {
  return parse_list<Index>(text, [&](std::string_view e) { return parse_integer(key, e, minimum, maximum); });
}

}  // namespace bellman
