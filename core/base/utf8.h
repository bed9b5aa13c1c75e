// Whether bytes are UTF-8, as RFC 3629 has it.
#pragma once

#include <string_view>

namespace bellman {

/// True when `text` is whole characters of UTF-8: no byte that begins none, no character cut short, none
/// written with more bytes than it needs, no surrogate (U+D800 to U+DFFF) and nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace bellman
