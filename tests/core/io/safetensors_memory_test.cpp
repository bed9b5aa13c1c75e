// A safetensors file takes memory in proportion to its size, whatever its header says. These are the
// files that cost most memory a byte.
#include <cstdint>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "core/io/safetensors.h"
#include "tests/support/counts/memory_taken.h"
#include "tests/support/memory_file.h"

namespace bellman::test {
namespace {

constexpr std::size_t kHeaderBytes = 8'000'000;

/// A file of that header and so many zeros; its bytes to memory.
double times_its_size(const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += header;
  MemoryFile file;
  file.assign(std::as_bytes(std::span(bytes)));
  file.resize(bytes.size() + data_bytes);
  const double size = static_cast<double>(bytes.size() + data_bytes);
  return static_cast<double>(memory_taken([&] { read_safetensors(file.path()); })) / size;
}

/// "{" + item(0) + "," + item(1) ... + end, of about kHeaderBytes bytes.
template <class Item>
std::string header_of(const std::string& begin, const std::string& end, const Item& item) {
  std::string header = begin;
  for (std::size_t i = 0; header.size() < kHeaderBytes; ++i) {
    if (i > 0) header += ',';
    header += item(i);
  }
  return header + end;
}

TEST_CASE("safetensors: memory stays within 16 times the file's size") {
  if (!kMemoryIsMeasured) {
    MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
    return;
  }
  const auto name = [](std::size_t i) { return '"' + std::to_string(i) + '"'; };
  const auto report = [](const std::string& what, double times) {
    MESSAGE(what, ": ", times, " times the file's size");
    CHECK(times > 0);
    CHECK(times < 16);
  };
  report(
      "one tensor",
      times_its_size(R"({"a":{"dtype":"U8","shape":[50000000],"data_offsets":[0,50000000]}})", 50'000'000));
  report("empty tensors",
         times_its_size(header_of("{", "}",
                                  [&](std::size_t i) {
                                    return name(i) + R"(:{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
                                  }),
                        0));
  report("metadata",
         times_its_size(
             header_of("{\"__metadata__\":{", "}}", [&](std::size_t i) { return name(i) + ":\"\""; }), 0));
  std::string dimensions = "0";
  for (int i = 1; i < 64; ++i) dimensions += ",0";
  report("dimensions", times_its_size(header_of("{", "}",
                                                [&](std::size_t i) {
                                                  return name(i) + R"(:{"dtype":"U8","shape":[)" +
                                                         dimensions + R"(],"data_offsets":[0,0]})";
                                                }),
                                      0));
  report("one long name", times_its_size("{\"" + std::string(kHeaderBytes, 'n') + "\":{}}", 0));
  report("one long number",
         times_its_size("{\"a\":{\"shape\":[" + std::string(kHeaderBytes, '1') + "]}}", 0));
  report("depth", times_its_size("{\"a\":" + std::string(kHeaderBytes, '['), 0));
}

}  // namespace
}  // namespace bellman::test
