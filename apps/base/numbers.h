// Numbers as people type them and as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

// ---- reading. `key` names the number in messages: "--episodes". All throw Error that names key, text and
// range.

/// A whole number of [minimum, maximum], in digits or as 5e5, 500_000 or 500'000.
Index parse_integer(std::string_view key, std::string_view text, Index minimum, Index maximum);

/// A seed: 0 .. 2^64-1, written in the same ways.
std::uint64_t parse_seed(std::string_view key, std::string_view text);

/// A finite number of [minimum, maximum]: "0.5", "1e-3", also a fraction "1/3". Refuses NaN, infinity, and
/// numbers that a double cannot hold.
double parse_real(std::string_view key, std::string_view text, double minimum, double maximum);

/// Comma-separated numbers: "0,1,1". Refuses an empty element, too.
std::vector<double> parse_reals(std::string_view key, std::string_view text, double minimum, double maximum);
std::vector<Index> parse_integers(std::string_view key, std::string_view text, Index minimum, Index maximum);

/// The shape of one sample: "4" or "4,8,8"; rank 0 for an empty text.
Shape parse_shape(std::string_view key, std::string_view text);

/// The parts of `text` between separators, without spaces around them.
std::vector<std::string> split_list(std::string_view text, char separator);

// ---- showing

/// Four significant digits, or all of a large number's whole part: "182.4", "0.03125", "-10000".
std::string short_number(double value);
/// "27500" as "27,500".
std::string with_separators(Index count);
/// "1 seed", "20 seeds".
std::string counted(std::size_t count, const std::string& noun);
/// "1,234 MiB", rounded up.
std::string mebibytes(Index bytes);
/// "45 s", "3:05 min", "1:02:33 h".
std::string duration_text(double seconds);
/// "(4,8,8)".
std::string shape_text(const Shape& shape);

}  // namespace bellman
