#include "core/base/memory.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

#include "core/base/check.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

/// The number after `key` in a file of lines "key number ...".
std::optional<Index> value_of(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    Index value = 0;
    if (words >> word && word == key && words >> value) return value;
  }
  return std::nullopt;
}

/// The number at the start of a file; nothing for "max", which means no limit.
std::optional<Index> number_in(const fs::path& file) {
  std::ifstream in(file);
  Index value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

/// Names of a control group's files, which differ between versions 1 and 2.
struct GroupFiles {
  const char *limit, *used, *cache;
};

/// What the limits of the groups from `group` up to `mount` leave: a group's limit includes all groups below
/// it.
Index left_by_groups(const fs::path& mount, const fs::path& group, const GroupFiles& files) {
  Index left = std::numeric_limits<Index>::max();
  fs::path below = group.relative_path();
  for (bool at_mount = false; !at_mount; below = below.parent_path()) {
    at_mount = below.empty();
    const fs::path directory = at_mount ? mount : mount / below;
    const std::optional<Index> limit = number_in(directory / files.limit);
    const std::optional<Index> used = number_in(directory / files.used);
    if (!limit || !used) continue;
    // The kernel drops inactive file pages before it refuses memory.
    const Index cache = value_of(directory / "memory.stat", files.cache).value_or(0);
    left = std::min(left, std::max<Index>(0, *limit - *used + std::min(cache, *used)));
  }
  return left;
}

/// Lines of /proc/self/cgroup are "number:controllers:path"; version 2 has no controllers.
Index left_by_control_groups(const fs::path& root) {
  Index left = std::numeric_limits<Index>::max();
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty())
      left = std::min(left, left_by_groups(root / "sys/fs/cgroup", group,
                                           {"memory.max", "memory.current", "inactive_file"}));
    else if (("," + controllers + ",").find(",memory,") != std::string::npos)
      left = std::min(
          left, left_by_groups(root / "sys/fs/cgroup/memory", group,
                               {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}));
  }
  return left;
}

/// What RLIMIT_AS leaves of the address space.
Index left_by_resource_limit(const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<Index>::max();
  const Index pages = number_in(root / "proc/self/statm").value_or(0);
  return std::max<Index>(0, static_cast<Index>(limit.rlim_cur) - pages * sysconf(_SC_PAGESIZE));
}

}  // namespace

std::optional<AvailableMemory> available_memory(const fs::path& root) {
  AvailableMemory least{std::numeric_limits<Index>::max(), ""};
  const auto consider = [&least](Index bytes, const char* limit) {
    if (bytes < least.bytes) least = {bytes, limit};
  };
  if (const std::optional<Index> kib = value_of(root / "proc/meminfo", "MemAvailable:"))
    consider(*kib * 1024, "the machine's free memory");
  consider(left_by_control_groups(root), "the control group's limit");
  consider(left_by_resource_limit(root), "the limit on the process's address space");
  if (least.limit.empty()) return std::nullopt;
  return least;
}

void check_memory(Index bytes, std::string_view what) {
  constexpr Index kSmall = Index{1} << 20;  // not worth reading a dozen of the system's files
  if (bytes < 0) fail(what, " needs ", bytes, " bytes, must be at least 0");
  if (bytes < kSmall) return;
  const std::optional<AvailableMemory> available = available_memory();
  if (available && bytes > available->bytes)
    fail(what, " needs ", bytes, " bytes, but there are only ", available->bytes, " (", available->limit,
         ")");
}

Index checked_product(Index a, Index b, std::string_view what) {
  if (a < 0 || b < 0) fail(what, " of ", a, " times ", b, ", neither may be negative");
  if (b != 0 && a > std::numeric_limits<Index>::max() / b)
    fail(what, " of ", a, " times ", b, " is beyond what can be counted");
  return a * b;
}

namespace {

constexpr std::size_t kLine = 64;  // bytes

}  // namespace

void* allocate_host_memory(std::size_t bytes) {
  constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // of a process, on x86-64 and AArch64
  constexpr std::size_t kLarge = std::size_t{1} << 26;  // from here on, available memory is checked first
  void* memory = nullptr;
  if (bytes >= kLarge && bytes < kAddressSpace) check_memory(static_cast<Index>(bytes), "an array");
  if (bytes < kAddressSpace) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kLine - 1) / kLine;
    memory = std::calloc(lines + 1,
                         kLine);  // fresh pages are zero and stay unmapped; aligned_alloc would not zero
  }
  if (!memory) fail("there is no memory for ", bytes, " bytes");
  // The first line after the block's start, with calloc's pointer before it. Blocks start at multiples of 16,
  // so there is room.
  static_assert(alignof(std::max_align_t) >= sizeof(void*));
  const std::uintptr_t line = (reinterpret_cast<std::uintptr_t>(memory) + kLine) / kLine * kLine;
  void** const aligned = reinterpret_cast<void**>(line);
  aligned[-1] = memory;
  return aligned;
}

void release_host_memory(void* memory) noexcept {
  if (memory) std::free(static_cast<void**>(memory)[-1]);
}

}  // namespace bellman
