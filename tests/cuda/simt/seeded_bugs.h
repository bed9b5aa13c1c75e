// Kernels with one deliberate mistake each, and some without any: the executor and the sanitizers must
// tell them apart.
#pragma once

#include <span>
#include <vector>

#include "cuda/base/runtime.h"

namespace bellman::simt::test {

constexpr unsigned kThreads = 64;

/// Memory of a device for one of them: x holds 0, 1, .. 63, y and z hold what new memory holds.
class Bench {
 public:
  Bench();

  Stream& stream() { return stream_; }
  float* x() { return static_cast<float*>(x_.data()); }
  float* y() { return static_cast<float*>(y_.data()); }
  int* z() { return static_cast<int*>(z_.data()); }
  /// What y holds when all is done.
  std::vector<float> result();

 private:
  Stream stream_;
  DeviceMemory x_, y_, z_;  // kThreads numbers each
};

struct SeededBug {
  const char* name;
  bool (*gives_right_result)(Bench& bench);  // true, too, where the result means nothing
};

std::span<const SeededBug> memory_bugs();           // seeded_memory_bugs.cu
std::span<const SeededBug> synchronisation_bugs();  // seeded_synchronisation_bugs.cu
std::span<const SeededBug> correct_kernels();       // correct_kernels.cu

}  // namespace bellman::simt::test
