// Numbers as people type them, with the key they were given for in every message.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

/// A whole number, in digits or as 5e5 or 500_000 or 500'000. `key` names it in messages: "--episodes".
/// Throws: Error that names key, text and range when it is no whole number of [minimum, maximum].
Index parse_integer(std::string_view key, std::string_view text, Index minimum, Index maximum);

/// A seed: 0 .. 2^64-1, written in the same ways. Throws: Error as above.
std::uint64_t parse_seed(std::string_view key, std::string_view text);

/// A finite number of [minimum, maximum]: "0.5", "1e-3", also a fraction "1/3". Throws: Error as above, also
/// for NaN, infinity, and numbers that a double cannot hold.
double parse_real(std::string_view key, std::string_view text, double minimum, double maximum);

/// Comma-separated numbers: "0,1,1". Throws: Error as above; for an empty element too.
std::vector<double> parse_reals(std::string_view key, std::string_view text, double minimum, double maximum);
std::vector<Index> parse_integers(std::string_view key, std::string_view text, Index minimum, Index maximum);

}  // namespace bellman
