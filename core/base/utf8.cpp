#include "core/base/utf8.h"

#include <cstddef>

namespace bellman {
namespace {

/// What follows a first byte: how many bytes, and the range of the second one, which rules out long forms,
/// surrogates and numbers above U+10FFFF (RFC 3629, section 4). The others are 0x80 to 0xbf.
struct Following {
  std::size_t bytes;
  unsigned char low, high;
};

constexpr Following kNone = {0, 0, 0};

Following following(unsigned char first) {
  if (first >= 0xc2 && first <= 0xdf) return {1, 0x80, 0xbf};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {2, 0x80, 0xbf};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3) return {3, 0x80, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  return kNone;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    if (byte(i) < 0x80) {
      ++i;
      continue;
    }
    const Following rest = following(byte(i));
    if (rest.bytes == 0 || text.size() - i <= rest.bytes) return false;
    if (byte(i + 1) < rest.low || byte(i + 1) > rest.high) return false;
    for (std::size_t k = 2; k <= rest.bytes; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    i += rest.bytes + 1;
  }
  return true;
}

}  // namespace bellman
