// Numbers as text.
#pragma once

#include <string>

namespace bellman {

/// The fewest digits that give the number back. A whole number up to 2^53 has all its digits and no exponent:
/// "100000", not "1e+05", as a count has. NaN and infinity are "nan", "inf" and "-inf".
std::string number_text(double value);
std::string number_text(float value);

/// What printf's `format` makes of the arguments. REQUIRES: it fits in 255 characters.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

/// The number as a message shows it: a NaN has no sign.
double shown(double number);

}  // namespace bellman
