// "did you mean": the known name that is nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bellman {

/// The name of fewest edits (Levenshtein 1966) away from `name`, the first among equals; empty when none is
/// near enough to have been meant (more than a third of the letters, at least two, differ).
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// " (did you mean `cartpole`?)", or the list of the known ones when none is near: the end of an error
/// message.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

}  // namespace bellman
