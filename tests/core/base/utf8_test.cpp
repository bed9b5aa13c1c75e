#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "core/base/text.h"

namespace bellman {
namespace {

/// `code` in `bytes` bytes, whether UTF-8 allows it or not.
std::string in_bytes(std::uint32_t code, int bytes) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  if (bytes == 1) return {byte(code)};
  constexpr std::uint32_t kFirst[] = {0, 0, 0xc0, 0xe0, 0xf0, 0xf8};
  std::string text(1, byte(kFirst[bytes] | (code >> (6 * (bytes - 1)))));
  for (int i = bytes - 2; i >= 0; --i) text += byte(0x80 | ((code >> (6 * i)) & 0x3f));
  return text;
}

int shortest_form(std::uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

TEST_CASE("UTF-8: every code point in every form: the shortest is valid, surrogates are in none") {
  for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    for (int bytes = shortest_form(code); bytes <= 4; ++bytes) {
      const bool valid = bytes == shortest_form(code) && !surrogate;
      if (is_utf8(in_bytes(code, bytes)) == valid) continue;
      CAPTURE(code);
      CAPTURE(bytes);
      REQUIRE(is_utf8(in_bytes(code, bytes)) == valid);
    }
  }
  CHECK_FALSE(is_utf8(in_bytes(0x110000, 4)));
  CHECK_FALSE(is_utf8(in_bytes(0x1fffff, 4)));
  CHECK_FALSE(is_utf8(in_bytes(0x110000, 5)));
}

TEST_CASE("UTF-8: characters cut short, and bytes that continue nothing") {
  CHECK(is_utf8(""));
  CHECK(is_utf8(std::string("a\0b", 3)));
  for (const std::uint32_t code : {0xe9U, 0x20acU, 0x1f600U}) {
    const std::string whole = in_bytes(code, shortest_form(code));
    CHECK(is_utf8("caf" + whole + "s"));
    for (std::size_t n = 1; n < whole.size(); ++n) {
      CHECK_FALSE(is_utf8(whole.substr(0, n)));
      CHECK_FALSE(is_utf8(whole.substr(0, n) + "a"));
      CHECK_FALSE(is_utf8(whole.substr(0, n) + whole));
      CHECK_FALSE(is_utf8("a" + whole.substr(n)));
    }
  }
  for (int byte = 0x80; byte <= 0xff; ++byte)
    CHECK_FALSE(is_utf8(std::string(1, static_cast<char>(static_cast<unsigned char>(byte)))));
}

}  // namespace
}  // namespace bellman
