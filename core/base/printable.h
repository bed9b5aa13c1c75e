// Text from outside, made fit to be shown in a message.
#pragma once

#include <string>
#include <string_view>

namespace bellman {

/// `text` with '?' for what is not printable ASCII, and cut after 60 characters: what a file or an argument
/// holds must not command the terminal that shows the message, nor flood it.
std::string printable(std::string_view text);

}  // namespace bellman
