// simt_bugs NAME: runs one of the seeded bugs, or of the kernels without one. Without a name: tells them all.
//
// Exits with 0 when nothing was noticed, 2 for a wrong result, 3 when the executor complains, 99 for a name
// that there is not; with the code that seeded_bugs_test.cpp sets for the sanitizers when they complain.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string_view>

#include "core/base/check.h"
#include "tests/cuda/simt/seeded_bugs.h"

namespace bellman::simt::test {

Bench::Bench() : x_(kThreads * sizeof(float)), y_(kThreads * sizeof(float)), z_(kThreads * sizeof(int)) {
  std::vector<float> numbers(kThreads);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  stream_.copy_to_device(x_.data(), numbers.data(), x_.bytes());
}

std::vector<float> Bench::result() {
  std::vector<float> numbers(kThreads);
  stream_.copy_to_host(numbers.data(), y_.data(), y_.bytes());
  return numbers;
}

namespace {

void tell_names() {
  for (const auto bugs : {memory_bugs(), synchronisation_bugs(), correct_kernels()})
    for (const SeededBug& bug : bugs) std::printf("%s\n", bug.name);
}

const SeededBug* find(std::string_view name) {
  for (const auto bugs : {memory_bugs(), synchronisation_bugs(), correct_kernels()})
    for (const SeededBug& bug : bugs)
      if (name == bug.name) return &bug;
  return nullptr;
}

}  // namespace

}  // namespace bellman::simt::test

int main(int count, char** arguments) {
  using namespace bellman::simt::test;
  if (count == 1) {
    tell_names();
    return 0;
  }
  const SeededBug* const bug = find(arguments[1]);
  if (bug == nullptr) return 99;
  try {
    Bench bench;
    return bug->gives_right_result(bench) ? 0 : 2;
  } catch (const bellman::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}
