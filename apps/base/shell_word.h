// Words for a shell.
#pragma once

#include <string>

namespace bellman {

/// The text as one word of a POSIX shell's command: as it is where that is one, otherwise in quotes.
std::string shell_word(const std::string& text);

}  // namespace bellman
