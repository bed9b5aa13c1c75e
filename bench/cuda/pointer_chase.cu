// The round trip to a memory: each read of one thread gives the next address, so a read cannot begin before the
// last one returns.
#include <cstdint>
#include <numeric>
#include <utility>

#include "bench/cuda/floors.h"
#include "cuda/device/cooperation.cuh"

namespace bellman::bench {
namespace {

constexpr std::size_t kLine = 32;  // words of a cache line, 128 bytes
constexpr int kCheckedSteps = 1000;
constexpr unsigned kThreads = 256;

/// Word by word: each holds how many bytes from `words` the next one lies, so that nothing is computed
/// between two reads.
__device__ std::uint32_t follow(const std::uint32_t* words, std::uint32_t at, int count) {
  const char* const bytes = reinterpret_cast<const char*>(words);
#pragma unroll 4
  for (int i = 0; i < count; ++i) at = *reinterpret_cast<const std::uint32_t*>(bytes + at);
  return at;
}

/// place (1): where the thread begins, then where it ended, so that the next launch continues with data
/// that no cache holds yet. next (words) to shared memory first. One block.
__global__ void __launch_bounds__(kThreads)
    chase_shared(std::uint32_t* place, const std::uint32_t* next, int words, int count) {
  __shared__ std::uint32_t shared[PointerChase::kMostShared / sizeof(std::uint32_t)];
  for (int i = static_cast<int>(threadIdx.x); i < words; i += static_cast<int>(kThreads)) shared[i] = next[i];
  __syncthreads();
  if (threadIdx.x == 0) *place = follow(shared, *place, count);
}

/// A cluster of two blocks: the second has the words, the first reads them there, through a generic address,
/// as kernels do.
__global__ void __launch_bounds__(kThreads)
    chase_other_shared(std::uint32_t* place, const std::uint32_t* next, int words, int count) {
  __shared__ std::uint32_t shared[PointerChase::kMostShared / sizeof(std::uint32_t)];
  for (int i = static_cast<int>(threadIdx.x); i < words; i += static_cast<int>(kThreads)) shared[i] = next[i];
  cuda::sync_cluster();
  if (cuda::rank_in_cluster() == 0 && threadIdx.x == 0)
    *place = follow(cuda::shared_of_block(shared, 1), *place, count);
  cuda::sync_cluster();  // a block's shared memory goes when it ends
}

/// From the L2 cache, or from beyond where `next` is larger.
__global__ void __launch_bounds__(32)
    chase_global(std::uint32_t* place, const std::uint32_t* next, int, int count) {
  const char* const bytes = reinterpret_cast<const char*>(next);
  std::uint32_t at = *place;
#pragma unroll 4
  for (int i = 0; i < count; ++i) at = __ldcg(reinterpret_cast<const std::uint32_t*>(bytes + at));
  *place = at;
}

/// Sattolo 1986: a permutation that is one cycle through all `n`.
std::vector<std::uint32_t> random_cycle(std::size_t n) {
  std::vector<std::uint32_t> next(n);
  std::iota(next.begin(), next.end(), 0U);
  std::uint64_t state = 1;
  for (std::size_t i = n - 1; i > 0; --i) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's generator
    std::swap(next[i], next[(state >> 33) % i]);
  }
  return next;
}

/// One word in each cache line of global memory, each word of shared memory.
std::vector<std::uint32_t> cycle_through(MemoryKind kind, std::size_t bytes) {
  const std::size_t stride = kind == MemoryKind::kGlobal ? kLine : 1;  // words
  std::vector<std::uint32_t> next(bytes / sizeof(std::uint32_t));
  const std::vector<std::uint32_t> order = random_cycle(next.size() / stride);
  for (std::size_t i = 0; i < order.size(); ++i)
    next[i * stride] = static_cast<std::uint32_t>(order[i] * stride * sizeof(std::uint32_t));
  return next;
}

}  // namespace

PointerChase::PointerChase(cuda::CudaBackend& backend, MemoryKind kind, std::size_t bytes)
    : backend_(backend),
      kind_(kind),
      next_(cycle_through(kind, bytes)),
      device_next_(backend, bytes),
      place_(backend, sizeof(std::uint32_t)) {
  backend.upload(device_next_.data(), next_.data(), bytes);
  backend.stream().zero(place_.data(), place_.bytes());
}

bool PointerChase::exists() const {
  return kind_ != MemoryKind::kOtherShared || cuda::device_properties().compute_major >= 9;
}

void PointerChase::start(int count) {
  cudaLaunchAttribute two_blocks{};
  two_blocks.id = cudaLaunchAttributeClusterDimension;
  two_blocks.val.clusterDim = {2, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(kind_ == MemoryKind::kOtherShared ? 2 : 1);
  config.blockDim = dim3(kind_ == MemoryKind::kGlobal ? 1 : kThreads);
  config.stream = backend_.stream().get();
  config.attrs = &two_blocks;
  config.numAttrs = kind_ == MemoryKind::kOtherShared ? 1 : 0;
  const auto kernel = kind_ == MemoryKind::kShared        ? chase_shared
                      : kind_ == MemoryKind::kOtherShared ? chase_other_shared
                                                          : chase_global;
  BELLMAN_CUDA_CALL(cudaLaunchKernelEx(&config, kernel, static_cast<std::uint32_t*>(place_.data()),
                                       static_cast<const std::uint32_t*>(device_next_.data()),
                                       static_cast<int>(next_.size()), count));
}

void PointerChase::check() {
  backend_.stream().zero(place_.data(), place_.bytes());
  start(kCheckedSteps);
  std::uint32_t at = 0, end = ~0U;
  for (int i = 0; i < kCheckedSteps; ++i) at = next_[at / sizeof at];
  backend_.download(&end, place_.data(), sizeof end);
  if (end != at) fail("after ", kCheckedSteps, " reads the device is at byte ", end, ", the host at ", at);
}

}  // namespace bellman::bench
