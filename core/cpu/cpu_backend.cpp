#include "core/cpu/cpu_backend.h"

#include <cstring>

#include "core/base/memory.h"
#include "core/cpu/simd/kernels.h"

namespace bellman {

CpuBackend::CpuBackend(int threads, Products products, const cpu::Kernels* kernels)
    : pool_(threads),
      products_(products),
      gemm_(products == Products::kEigen ? cpu::gemm_eigen : cpu::gemm_tiled),
      kernels_(kernels ? *kernels : *cpu::usable_kernels().front()) {}

void* CpuBackend::allocate(std::size_t bytes) { return allocate_host_memory(bytes); }

void CpuBackend::release(void* memory) noexcept { release_host_memory(memory); }

void CpuBackend::upload(void* destination, const void* host_source, std::size_t bytes) {
  copy(destination, host_source, bytes);
}

void CpuBackend::download(void* host_destination, const void* source, std::size_t bytes) {
  copy(host_destination, source, bytes);
}

void CpuBackend::copy(void* destination, const void* source, std::size_t bytes) {
  if (bytes > 0) std::memcpy(destination, source, bytes);
}

}  // namespace bellman
