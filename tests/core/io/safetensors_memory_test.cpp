// A safetensors file takes memory in proportion to its size, whatever its header says: the shapes of file
// that cost most for a byte, each read in a process of its own, whose largest memory the system reports.
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check.h"
#include "core/io/safetensors.h"
#include "tests/support/memory_file.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

constexpr std::size_t kHeaderBytes = 8'000'000;

/// The most memory that this process ever had, bytes.
std::int64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

/// What reading takes beyond what there was before; -1 where the process died.
std::int64_t memory_to_read(const std::filesystem::path& path) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) fail("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    const std::int64_t before = peak_memory();  // a new process starts with what it has now
    try {
      read_safetensors(path);
    } catch (const Error&) {  // costs memory as well
    }
    const std::int64_t more = peak_memory() - before;
    ::_exit(::write(ends[1], &more, sizeof more) == sizeof more ? 0 : 1);
  }
  ::close(ends[1]);
  std::int64_t more = -1;
  if (::read(ends[0], &more, sizeof more) != sizeof more) more = -1;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return more;
}

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
  return static_cast<double>(memory_to_read(file.path())) / size;
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
#if defined(BELLMAN_SANITIZED) || defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
#else
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
#endif
}

}  // namespace
}  // namespace bellman::test
