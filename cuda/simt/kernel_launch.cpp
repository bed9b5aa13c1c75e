#include "cuda/simt/kernel_launch.h"

#include "core/base/check.h"
#include "cuda/simt/shared_memory.h"

namespace bellman::simt::detail {

namespace {

constexpr std::size_t kMaxThreads = 1024;
constexpr dim3 kMaxBlock(1024, 1024, 64);
constexpr dim3 kMaxGrid(2147483647, 65535, 65535);

std::size_t product(const dim3& extent) { return std::size_t{extent.x} * extent.y * extent.z; }

void check_extent(const Place& site, const char* what, const dim3& extent, const dim3& most) {
  const bool empty = extent.x == 0 || extent.y == 0 || extent.z == 0;
  if (empty || extent.x > most.x || extent.y > most.y || extent.z > most.z)
    fail(to_string(site), ": launch: the ", what, " is (", extent.x, ",", extent.y, ",", extent.z,
         "), must be from (1,1,1) to (", most.x, ",", most.y, ",", most.z, ")");
}

}  // namespace

void check(const KernelLaunch& launch) {
  check_extent(launch.site, "grid", launch.grid, kMaxGrid);
  check_extent(launch.site, "block", launch.block, kMaxBlock);
  if (product(launch.block) > kMaxThreads)
    fail(to_string(launch.site), ": launch: a block of (", launch.block.x, ",", launch.block.y, ",",
         launch.block.z, ") has ", product(launch.block), " threads, ", kMaxThreads, " is the most");
  if (launch.shared_bytes > kMaxSharedBytes)
    fail(to_string(launch.site), ": launch: ", launch.shared_bytes, " bytes of shared memory, ",
         kMaxSharedBytes, " is the most");
}

}  // namespace bellman::simt::detail
