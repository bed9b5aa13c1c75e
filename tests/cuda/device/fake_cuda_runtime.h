// What CUDA's runtime was asked for, by a runtime that is made up (fake_cuda_runtime.cpp): it has one device,
// whose work is done at once, and host memory for its memory. Kernels do not run. Threads may use streams of their own.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace bellman::test {

struct FakeCudaRuntime {
  std::vector<std::string> calls;             // the functions below that were called, in order
  std::map<const void*, int> shared_allowed;  // by kernel: the last limit that was set
  std::map<const void*, int> limits_set;      // by kernel: how often
  bool capturing = false;
  int graphs = 0;               // that were made and not destroyed
  int static_shared_bytes = 0;  // of every kernel
  int queries_until_done = 0;   // of a stream: so many times its work is not done yet

  static constexpr int kMostSharedBytes = 232448;
};
/// The one there is.
FakeCudaRuntime& fake_cuda_runtime();

}  // namespace bellman::test
