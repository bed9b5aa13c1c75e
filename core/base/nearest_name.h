// "did you mean": the known name that is nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bellman {

/// The name of fewest edits (Levenshtein 1966) away from `name`, the first among equals; upper and lower case
/// count as the same letter. Empty when none is near enough to have been meant: two letters or more, and over
/// a third of the longer name's, would have to change, or every letter.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// ` (did you mean "CartPole-v1"?)`, or ` (known: a, b, c)` when none is near: the end of an error message.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

}  // namespace bellman
