// Measures the memory that some work takes, in a process of its own, whose peak the system reports.
#pragma once

#include <array>
#include <cstdint>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "tests/support/sanitized.h"

namespace bellman::test {

#if defined(BELLMAN_SANITIZED) || defined(BELLMAN_MEMCHECKED)
inline constexpr bool kMemoryIsMeasured = false;  // theirs is counted, too
#else
inline constexpr bool kMemoryIsMeasured = true;
#endif

/// This process's peak memory, bytes.
inline std::int64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

/// Bytes that `use` takes beyond the memory before it; it may throw Error. -1 if the process died.
template <class Use>
std::int64_t memory_taken(const Use& use) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) fail("no pipe");
  ::malloc_trim(0);  // memory that is free already would not count
  const pid_t child = ::fork();
  if (child == 0) {
    const std::int64_t before = peak_memory();  // a new process starts with this process's present memory
    try {
      use();
    } catch (const Error&) {  // takes memory, too
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

}  // namespace bellman::test
