// Barriers, one after the other. Nothing happens between two of them, except in the kernel that checks them:
//   round r: slots[r mod 2][me] = r;  barrier;  slots[r mod 2][my neighbour] must be r
// Without the barrier the neighbour may still be at an earlier round. There are two rows of slots: a thread
// past the barrier of round r writes for round r + 1 while others still read. No thread writes for r + 2 before
// all have arrived at the barrier of r + 1, and so have read.
#include "bench/cuda/floors.h"
#include "cuda/device/cooperation.cuh"

namespace bellman::bench {
namespace {

using cuda::device_properties;

constexpr unsigned kBlockThreads = 512;  // of each block that meets others
constexpr int kCheckedRounds = 1000;
constexpr int kPortableCluster = 8;  // blocks: what every card with clusters can do

struct BlockMeets {
  __device__ static void wait() { __syncthreads(); }
  __device__ static unsigned rank() { return threadIdx.x; }
  __device__ static bool speaks() { return true; }
};
struct GridMeets {
  __device__ static void wait() { cuda::sync_grid(); }
  __device__ static unsigned rank() { return blockIdx.x; }
  __device__ static bool speaks() { return threadIdx.x == 0; }
};
struct ClusterMeets {
  __device__ static void wait() { cuda::sync_cluster(); }
  __device__ static unsigned rank() { return blockIdx.x; }  // there is one cluster
  __device__ static bool speaks() { return threadIdx.x == 0; }
};

/// slots (2, size), early (1); without kChecked neither is touched.
template <class Meets, bool kChecked>
__global__ void __launch_bounds__(1024) meet_often(int* slots, int* early, int size, int count) {
  for (int round = 1; round <= count; ++round) {
    volatile int* const row = slots + (round % 2) * size;
    if (kChecked && Meets::speaks()) row[Meets::rank()] = round;
    Meets::wait();
    if (kChecked && Meets::speaks() && row[(static_cast<int>(Meets::rank()) + 1) % size] != round)
      atomicAdd(early, 1);
  }
}

using Kernel = void (*)(int*, int*, int, int);

template <bool kChecked>
Kernel kernel_of(BarrierKind kind) {
  switch (kind) {
    case BarrierKind::kBlock:
      return meet_often<BlockMeets, kChecked>;
    case BarrierKind::kCluster:
      return meet_often<ClusterMeets, kChecked>;
    default:
      return meet_often<GridMeets, kChecked>;
  }
}

/// The launch settings of blocks that synchronise. Points to itself: not copied.
struct Launch {
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};

  Launch(BarrierKind kind, int size, cudaStream_t stream) {
    const auto n = static_cast<unsigned>(size);
    config.gridDim = dim3(kind == BarrierKind::kBlock ? 1 : n);
    config.blockDim = dim3(kind == BarrierKind::kBlock ? n : kBlockThreads);
    config.stream = stream;
    if (kind == BarrierKind::kBlock) return;
    config.attrs = &attribute;
    config.numAttrs = 1;
    if (kind == BarrierKind::kCluster) {
      attribute.id = cudaLaunchAttributeClusterDimension;
      attribute.val.clusterDim = {n, 1, 1};
    } else {
      attribute.id = cudaLaunchAttributeCooperative;
      attribute.val.cooperative = 1;
    }
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
};

void allow_large_cluster(Kernel kernel, int size) {
  if (size > kPortableCluster)
    BELLMAN_CUDA_CALL(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
}

}  // namespace

Barrier::Barrier(cuda::CudaBackend& backend, BarrierKind kind, int size)
    : backend_(backend),
      kind_(kind),
      size_(size),
      slots_(backend, 2 * static_cast<std::size_t>(size) * sizeof(std::int32_t)),
      early_(backend, sizeof(std::int32_t)) {}

bool Barrier::exists() const {
  if (kind_ == BarrierKind::kBlock) return true;
  if (kind_ == BarrierKind::kGrid) return size_ <= device_properties().multiprocessors;
  if (device_properties().compute_major < 9) return false;
  const Kernel kernel = kernel_of<true>(kind_);
  allow_large_cluster(kernel, size_);
  Launch launch(kind_, size_, backend_.stream().get());
  int clusters = 0;
  const bool known = cudaOccupancyMaxActiveClusters(&clusters, kernel, &launch.config) == cudaSuccess;
  if (!known) cudaGetLastError();  // an answer, too: not so many; forgotten, so that no later call reports it
  return known && clusters > 0;
}

template <bool kChecked>
void Barrier::launch(int count) {
  const Kernel kernel = kernel_of<kChecked>(kind_);
  if (kind_ == BarrierKind::kCluster) allow_large_cluster(kernel, size_);
  const Launch launch(kind_, size_, backend_.stream().get());
  BELLMAN_CUDA_CALL(cudaLaunchKernelEx(&launch.config, kernel, static_cast<int*>(slots_.data()),
                                       static_cast<int*>(early_.data()), size_, count));
}

void Barrier::start(int count) { launch<false>(count); }

void Barrier::check() {
  backend_.stream().zero(slots_.data(), slots_.bytes());
  backend_.stream().zero(early_.data(), early_.bytes());
  launch<true>(kCheckedRounds);
  std::int32_t early = 0;
  backend_.download(&early, early_.data(), sizeof early);
  if (early != 0) fail("of ", kCheckedRounds, " barriers of ", size_, ", ", early, " were passed too early");
}

}  // namespace bellman::bench
