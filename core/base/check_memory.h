// Whether there is memory for something large, asked before it is allocated: a machine that runs out of
// memory kills processes without a word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/tensor.h"

namespace bellman {

/// The memory that this process can still take, and what sets the limit.
struct AvailableMemory {
  Index bytes = 0;
  std::string limit;  // "the machine's free memory", "the control group's limit", ...
};

/// The smallest of: MemAvailable of /proc/meminfo; what the control groups (version 1 and 2) of this process
/// leave, page cache that can be dropped counted as free; what RLIMIT_AS leaves. Nothing where none of them
/// is known. `root` is where /proc and /sys are looked for.
std::optional<AvailableMemory> available_memory(const std::filesystem::path& root = "/");

/// Throws: Error that names `what`, the bytes it needs and the bytes there are, when there are too few.
void check_memory(Index bytes, std::string_view what);

/// a * b, for sizes. Throws: Error that names `what` when one is negative or the product passes 2^63 - 1.
Index checked_product(Index a, Index b, std::string_view what);

}  // namespace bellman
