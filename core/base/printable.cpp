#include "core/base/printable.h"

#include <cstddef>

namespace bellman {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string result(text.substr(0, kLongest));
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return text.size() > kLongest ? result + "..." : result;
}

}  // namespace bellman
