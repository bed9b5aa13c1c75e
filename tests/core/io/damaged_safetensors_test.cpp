// Files from an attacker: each is refused with a message, or read within its bounds; under the sanitizers
// too.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/io/safetensors.h"
#include "core/io/safetensors_header.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

std::string length_of(std::uint64_t n) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &n, 8);
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return length_of(header.size()) + header + std::string(data_bytes, '\x01');
}

/// What read_safetensors says of a file of these bytes, without the file's name; nothing when it reads it.
std::optional<std::string> error_of(const std::string& bytes) {
  static const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "file";
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  try {
    const TensorFile file = read_safetensors(path);
    std::size_t total = 0;
    for (const FileTensor& tensor : file.tensors) total += tensor.bytes.size();
    CHECK(total <= bytes.size());
    return std::nullopt;
  } catch (const Error& error) {
    const std::string message = error.what();
    REQUIRE(message.starts_with(path.string() + ": "));
    CHECK(message.size() < 400);
    return message.substr(path.string().size() + 2);
  }
}

std::string good_file() {
  return file_of(
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})",
      9);
}

TEST_CASE("damaged safetensors: lengths") {
  CHECK(error_of(good_file()) == std::nullopt);
  CHECK(error_of("") == "it has 0 bytes, too few for a safetensors file");
  CHECK(error_of("1234567") == "it has 7 bytes, too few for a safetensors file");
  CHECK(error_of(length_of(0)) == "its header does not begin with '{'");
  CHECK(error_of(length_of(3) + "{}") == "its header should have 3 bytes but 2 are there");
  CHECK(error_of(length_of(UINT64_MAX) + "{}") ==
        "it is no safetensors file: its header would have 18446744073709551615 bytes, at most 100000000 are "
        "allowed");
  CHECK(error_of(length_of(UINT64_MAX - 7) + "{}").has_value());  // 8 + N wraps to 0
  CHECK(error_of(length_of(100'000'000) + "{}") == "its header should have 100000000 bytes but 2 are there");
  CHECK(error_of("PK\x03\x04 a zip file, as torch.save writes")
            .value_or("")
            .starts_with("it is no safetensors file"));
}

TEST_CASE("damaged safetensors: every truncation, and a byte too many") {
  const std::string good = good_file();
  for (std::size_t n = 0; n < good.size(); ++n) {
    CAPTURE(n);
    CHECK(error_of(good.substr(0, n)).has_value());
  }
  CHECK(error_of(good + "x") == "its tensors take 9 bytes but 10 bytes of data are there");
}

TEST_CASE("damaged safetensors: every change of one byte") {
  const std::string good = good_file();
  const std::string json = good.substr(8, good.size() - 8 - 9);
  int read = 0;
  // The header in memory: all 255 other values of each byte.
  for (std::size_t i = 0; i < json.size(); ++i)
    for (int change = 1; change < 256; ++change) {
      std::string damaged = json;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      try {
        std::uint64_t total = 0;
        for (const auto& entry : parse_safetensors_header(damaged, 9).entries) {
          REQUIRE(entry.begin <= entry.end);
          total += entry.end - entry.begin;
        }
        REQUIRE(total == 9);
        ++read;
      } catch (const Error&) {
      }
    }
  CHECK(read > 0);  // names and metadata may be anything
  // The rest in a file: each bit of the length, which no other value fits, and of the data, which may be
  // anything.
  for (std::size_t i = 0; i < good.size(); ++i) {
    const bool is_length = i < 8, is_data = i >= 8 + json.size();
    if (!is_length && !is_data) continue;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = good;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      REQUIRE(error_of(damaged).has_value() == is_length);
    }
  }
}

TEST_CASE("damaged safetensors: a NUL byte does not end the header") {
  const std::string json = good_file().substr(8, good_file().size() - 8 - 9);
  for (std::size_t at = 1; at <= json.size(); ++at) {
    std::string header = json;
    header.insert(at, 1, '\0');
    const std::string message = error_message([&] { parse_safetensors_header(header, 9); });
    REQUIRE(message == "its header: byte " + std::to_string(at + 1) + " is NUL, which no text has");
  }
}

TEST_CASE("damaged safetensors: headers that say wrong things") {
  struct Case {
    std::string header;
    std::size_t data_bytes;
    std::optional<std::string> error;  // nothing: it is read
  };
  const Case cases[] = {
      // JSON
      {R"([])", 0, "its header does not begin with '{'"},
      {R"( {})", 0, "its header does not begin with '{'"},
      {R"({)", 0, "its header is not valid JSON near byte 2"},
      {R"({}})", 0, "its header is not valid JSON near byte 3"},
      {R"({} {})", 0, "its header is not valid JSON near byte 4"},
      {R"({"a":})", 0, "its header is not valid JSON near byte 6"},
      {R"({"__metadata__":{"a":"b"},})", 0, "its header is not valid JSON near byte 27"},
      {"{\"\xff\":{}}", 0, "its header is not valid JSON near byte 3"},
      {"{/**/}", 0, "its header is not valid JSON near byte 2"},
      // the shape of things
      {R"({"a":1})", 0, "its header has a number as value of \"a\""},
      {R"({"a":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]})", 0, "its header has an array as value of \"a\""},
      {R"({"a":null})", 0, "its header has null as value of \"a\""},
      {R"({"a":{"dtype":{}}})", 0, "its header has an object as value of \"dtype\" in tensor \"a\""},
      {R"({"a":{"dtype":true}})", 0, "its header has true as value of \"dtype\" in tensor \"a\""},
      {R"({"a":{"shape":"2"}})", 0, "its header has a string as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"shape":["2"]}})", 0, "its header has a string as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"shape":[[2]]}})", 0, "its header has an array as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"shape":[{}]}})", 0, "its header has an object as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"color":3}})", 0, "tensor \"a\" has the unknown key \"color\""},
      {R"({"__metadata__":{"a":1}})", 0, "its header has a number as value of \"a\" in its metadata"},
      {R"({"__metadata__":{"a":{}}})", 0, "its header has an object as value of \"a\" in its metadata"},
      {R"({"__metadata__":"a"})", 0, "its header has a string as value of \"__metadata__\""},
      // missing, twice
      {R"({"a":{}})", 0, "tensor \"a\" lacks its dtype"},
      {R"({"a":{"dtype":"F32"}})", 0, "tensor \"a\" lacks its shape"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4, "tensor \"a\" lacks its data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})",
       8, "its header has the key \"a\" twice"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4,
       "its header has the key \"dtype\" twice in tensor \"a\""},
      {R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4,
       "its header has the key \"shape\" twice in tensor \"a\""},
      {R"({"__metadata__":{"a":"b","a":"b"}})", 0, "its header has the key \"a\" twice in its metadata"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "its header has the key \"__metadata__\" twice"},
      // numbers
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       "its header has a negative number as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
       "its header has the number 1.0 as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}})", 4,
       "its header has the number 18446744073709551616 as value of \"shape\" in tensor \"a\""},
      {R"({"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}})", 4,
       "its header is not valid JSON near byte 34"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615,3],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the shape (18446744073709551615,3), too large for any memory"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the shape (4611686018427387905), too large for any memory"},
      // 2^64 elements wrap to 0, and so do 2^62 of 4 bytes
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "tensor \"a\" has the shape (4294967296,4294967296), too large for any memory"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
       "tensor \"a\" has the shape (4611686018427387904), too large for any memory"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615,18446744073709551615,0],"data_offsets":[0,0]}})",
       0, std::nullopt},
      // types
      {R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", 4, std::nullopt},
      {R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,8]}})", 8,
       "tensor \"a\" has the offsets [0,8] but BF16 of shape (2) takes 4 bytes"},
      {R"({"a":{"dtype":"F4","shape":[2,3],"data_offsets":[0,3]}})", 3, std::nullopt},
      {R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2,
       "tensor \"a\" has 12 bits, which are no whole bytes"},
      {R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3, std::nullopt},
      {R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the offsets [0,4] but F6_E2M3 of shape (4) takes 3 bytes"},
      {R"({"a":{"dtype":"Q5_K","shape":[7],"data_offsets":[0,4]}})", 4, std::nullopt},
      {R"({"a":{"dtype":"Q5_K","shape":[7],"data_offsets":[0,4]}})", 5,
       "its tensors take 4 bytes but 5 bytes of data are there"},
      {R"({"a":{"dtype":"Q5_K","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the shape (4294967296,4294967296), too large for any memory"},
      {R"({"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the type \"f32\", which is no name of a type, such as F32"},
      {R"({"a":{"dtype":"","shape":[1],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the type \"\", which is no name of a type, such as F32"},
      {R"({"a":{"dtype":"ABCDEFGHIJKLMNOPQ","shape":[1],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the type \"ABCDEFGHIJKLMNOPQ\", which is no name of a type, such as F32"},
      // offsets
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
       "tensor \"a\" has 1 data_offsets, not 2"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4,
       "tensor \"a\" has more than 2 data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
       "tensor \"a\" has the offsets [4,0] but the one before ends at 0"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       "tensor \"a\" has the offsets [4,8] but the one before ends at 0"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
       "tensor \"a\" has the offsets [0,8] within 4 bytes of data"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8,
       "tensor \"a\" has the offsets [0,18446744073709551615] within 8 bytes of data"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
       "tensor \"a\" has the offsets [0,4] but F32 of shape (2) takes 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8,
       "its tensors take 4 bytes but 8 bytes of data are there"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
       12, "tensor \"b\" has the offsets [4,12] but the one before ends at 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       12, "tensor \"b\" has the offsets [8,12] but the one before ends at 4"},
      {R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       8, std::nullopt},
      {R"({})", 0, std::nullopt},
      {"{}   \n", 0, std::nullopt},
      {R"({"\u0000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.header);
    CHECK(error_of(file_of(c.header, c.data_bytes)).value_or("no error") == c.error.value_or("no error"));
  }
}

TEST_CASE("damaged safetensors: a header of nothing but depth, dimensions or names") {
  CHECK(error_of(file_of("{\"a\":" + std::string(1'000'000, '['), 0)).has_value());
  CHECK(error_of(file_of("{\"a\":{\"shape\":" + std::string(1'000'000, '{'), 0)).has_value());
  std::string many = "{\"a\":{\"shape\":[1";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  CHECK(error_of(file_of(many + "]}}", 0)) == "tensor \"a\" has more than 64 dimensions");
  const std::string long_name(1'000'000, 'n');
  CHECK(error_of(file_of("{\"" + long_name + "\":{}}", 0)) ==
        "tensor \"" + std::string(60, 'n') + "...\" lacks its dtype");
  CHECK(error_of(file_of("{\"\\u001b[31m\":{}}", 0)) == "tensor \"?[31m\" lacks its dtype");
}

TEST_CASE("damaged safetensors: thousands of random edits of a header") {
  const std::string good = good_file().substr(8, good_file().size() - 8 - 9);
  const std::string letters =
      "{}[]\",:0123456789-.eE \\u\n\xff"
      "dtypeshapedata_offsetsF32U8__metadata__";
  RandomSequence random({3, Purpose::kTest, 0});
  const auto below = [&](std::size_t n) {
    return uniform_index(random.word(), static_cast<std::uint32_t>(n));
  };
  int read = 0;
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string header = good;
    for (std::uint32_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t place = 1 + below(header.size() - 1);
      switch (below(4)) {
        case 0:
          header[place] = letters[below(letters.size())];
          break;
        case 1:
          header.insert(place, 1, letters[below(letters.size())]);
          break;
        case 2:
          header.erase(place, 1 + below(4));
          break;
        default:
          header.insert(place, good.substr(below(good.size()), 1 + below(60)));
          break;
      }
    }
    try {
      std::uint64_t covered = 0;
      for (const auto& entry : parse_safetensors_header(header, 9).entries) {
        REQUIRE(entry.begin == covered);
        covered = entry.end;
      }
      REQUIRE(covered == 9);
      ++read;
    } catch (const Error&) {
    }
  }
  CHECK(read > 100);
}

}  // namespace
}  // namespace bellman::test
