// The ops of the CPU backend (bench/timed_op.h explains the report):
//   ops_bench [--benchmark_filter=REGEX] ...
//   ops_bench --op "dense_forward 128x120->84" ...     one op at any size (bench/op_text.h)
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/cpu_ops.h"
#include "bench/op_text.h"

namespace {

/// Removes `--op TEXT` from the arguments, and adds the filter that selects it.
void choose_op(std::vector<std::string>& arguments) {
  using namespace bellman::bench;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != "--op") continue;
    const OpText op = read_op(arguments[i + 1]);
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i),
                    arguments.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    arguments.push_back("--benchmark_filter=^" + op.op + "/[^/]+(/eigen)?$");  // by one thread
    return add_family_of(op);
  }
  add_all_ops();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  try {
    choose_op(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ops_bench: %s\n", error.what());
    return 2;
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
