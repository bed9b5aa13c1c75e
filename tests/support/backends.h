// Every backend of floats that this build and this machine have, for tests with one body for all of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/simd/kernels.h"
#include "core/reference/reference_backend.h"
#include "cuda/backend/make_cuda_backend.h"

namespace bellman::test {

/// Whether BELLMAN_TEST_BACKENDS names it, or is not set. The variable lists names of "reference", "cpu",
/// "simt" and "cuda", separated by commas; the part of `name` after a comma is ignored.
/// Throws: Error for a list with an unknown name.
bool backend_is_wanted(std::string_view name);

struct NamedBackend {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/// Those in host memory, which check the numbers of their inputs.
inline std::vector<NamedBackend> host_backends() {
  using Products = CpuBackend::Products;
  std::vector<NamedBackend> all;
  all.push_back({"reference", std::make_unique<ReferenceBackend<float>>()});
  all.push_back({"cpu, 1 thread", std::make_unique<CpuBackend>(1)});
  all.push_back({"cpu, 4 threads", std::make_unique<CpuBackend>(4)});
  all.push_back({"cpu, Eigen's products", std::make_unique<CpuBackend>(1, Products::kEigen)});
  for (const cpu::Kernels* kernels : cpu::usable_kernels().subspan(1))  // slower than the first
    all.push_back(
        {std::string("cpu, ") + kernels->name, std::make_unique<CpuBackend>(1, Products::kTiled, kernels)});
  return all;
}

/// The SIMT executor, and the GPU where there is one. A missing GPU is reported once; with
/// BELLMAN_REQUIRE_GPU=1 it is an error.
std::vector<std::unique_ptr<DeviceBackend>> device_backends();

inline std::vector<NamedBackend> float_backends() {
  std::vector<NamedBackend> all = host_backends();
  for (std::unique_ptr<DeviceBackend>& device : device_backends()) {
    std::string name = device->name();
    all.push_back({std::move(name), std::move(device)});
  }
  std::erase_if(all, [](const NamedBackend& named) { return !backend_is_wanted(named.name); });
  return all;
}

/// f(backend) for each of them; a failure within names the backend.
template <class F>
void for_each_backend(const std::vector<NamedBackend>& backends, F f) {
  for (const NamedBackend& named : backends) {
    INFO("backend: ", named.name);
    f(*named.backend);
  }
}

}  // namespace bellman::test
