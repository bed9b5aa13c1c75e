#include "bench/cuda/device_roof.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "cuda/device/runtime.h"

namespace bellman::bench {
namespace {

constexpr int kTries = 10;
constexpr unsigned kBlock = 256;
constexpr unsigned kBlocksAMultiprocessor = 8;  // 2048 threads: all that fit
constexpr int kChains = 8;
constexpr int kSteps = 4096;

/// y(threads): each thread's sum of kChains chains x <- x factor + term, kSteps long. The factor is below 1
/// and the numbers stay near term / (1 - factor).
__global__ void __launch_bounds__(kBlock) multiply_add_chains(float* y, float factor, float term) {
  float chain[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) chain[i] = static_cast<float>(i) + static_cast<float>(threadIdx.x);
#pragma unroll 8
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int i = 0; i < kChains; ++i) chain[i] = fmaf(chain[i], factor, term);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum += chain[i];
  y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

double best_seconds(cuda::Stream& stream, const std::function<void()>& work) {
  cuda::Event start, stop;
  work();
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) {
    work();
    start.record(stream);
    work();
    stop.record(stream);
    best = std::min(best, stop.seconds_since(start));
  }
  return best;
}

double copy_rate(cuda::CudaBackend& backend) {
  constexpr std::size_t kBytes = std::size_t{1} << 28;
  const Block<float> from(backend, kBytes), to(backend, kBytes);
  backend.fill(from.view<float>({static_cast<Index>(kBytes / sizeof(float))}), 1.5F);
  const double seconds =
      best_seconds(backend.stream(), [&] { backend.copy(to.data(), from.data(), kBytes); });
  return 2.0 * static_cast<double>(kBytes) / seconds;
}

double fp32_rate(cuda::CudaBackend& backend) {
  const unsigned blocks =
      kBlocksAMultiprocessor * static_cast<unsigned>(cuda::device_properties().multiprocessors);
  const std::size_t threads = static_cast<std::size_t>(blocks) * kBlock;
  const Block<float> y(backend, threads * sizeof(float));
  float* const out = y.view<float>({static_cast<Index>(threads)}).data();
  const double seconds = best_seconds(backend.stream(), [&] {
    cuda::launch(backend.stream(), multiply_add_chains, dim3(blocks), dim3(kBlock), 0, out, 0.5F, 1.0F);
  });
  // x <- x / 2 + 1 has come to 2 long before the end.
  std::vector<float> sums(threads);
  backend.download(sums.data(), out, threads * sizeof(float));
  for (const float sum : sums)
    if (!(std::abs(sum - 2.0F * kChains) <= 1e-4F)) fail("the chains of multiply-adds came to ", sum);
  return 2.0 * kSteps * kChains * static_cast<double>(threads) / seconds;
}

}  // namespace

DeviceRoof measure_device_roof(cuda::CudaBackend& backend) {
  return {copy_rate(backend), fp32_rate(backend)};
}

}  // namespace bellman::bench
