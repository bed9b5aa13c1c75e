// Text of messages and files: foreign bytes made harmless, numbers, "did you mean", UTF-8.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bellman {

// ---- Text from outside, made fit to be shown in a message.

/// `text` with '?' for what is not printable ASCII, and cut after 60 characters: what a file or an argument
/// holds must not command the terminal that shows the message, nor flood it.
std::string printable(std::string_view text);

// ---- Numbers as text.

/// The fewest digits that give the number back. A whole number up to 2^53 has all its digits and no exponent:
/// "100000", not "1e+05", as a count has. NaN and infinity are "nan", "inf" and "-inf".
std::string number_text(double value);
std::string number_text(float value);

/// What printf's `format` makes of the arguments. REQUIRES: it fits in 255 characters.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

/// The number as a message shows it: a NaN has no sign.
double shown(double number);

// ---- "did you mean": the known name that is nearest to an unknown one.

/// The name of fewest edits (Levenshtein 1966) away from `name`, the first among equals; upper and lower case
/// count as the same letter. Empty when none is near enough to have been meant: two letters or more, and over
/// a third of the longer name's, would have to change, or every letter.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// ` (did you mean "CartPole-v1"?)`, or ` (known: a, b, c)` when none is near: the end of an error message.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

// ---- Whether bytes are UTF-8, as RFC 3629 has it.

/// True when `text` is whole characters of UTF-8: no byte that begins none, no character cut short, none
/// written with more bytes than it needs, no surrogate (U+D800 to U+DFFF) and nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace bellman
