// main() of every program that times on a GPU.
#pragma once

#include <cstdio>
#include <exception>

#include <benchmark/benchmark.h>

namespace bellman::bench {

/// Registers benchmarks of a Device by add_all(device), runs those that the arguments select, and returns the
/// exit code. The Device is made after the arguments are checked, and lives as long as they run.
template <class Device, class AddAll>
int run_benchmarks(const char* program, int argc, char** argv, AddAll add_all) {
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    Device device;
    add_all(device);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    benchmark::ClearRegisteredBenchmarks();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

}  // namespace bellman::bench
