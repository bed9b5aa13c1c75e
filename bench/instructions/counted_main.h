// main() of a program whose instructions scripts/instructions.sh counts: it lists its choices, or makes one of them so
// many times.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "core/base/check.h"

namespace bellman::bench {

/// Without arguments list() prints the choices, a line each; with `wants` ("NETWORK LEARNER COUNT") it calls
/// run(first, second, count). Returns the exit code.
template <class List, class Run>
int counted_main(int argc, char** argv, const char* program, const char* wants, List list, Run run) {
  try {
    if (argc == 1) {
      list();
      return 0;
    }
    if (argc != 4) fail("wants ", wants);
    run(std::string(argv[1]), std::string(argv[2]), std::atoi(argv[3]));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 2;
  }
}

}  // namespace bellman::bench
