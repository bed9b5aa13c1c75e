// Runs the `bellman` command as a user does, in a process of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/support/run_program.h"

namespace bellman::test {

/// BELLMAN_COMMAND with these arguments: run_program().
inline CommandResult run_bellman(const std::vector<std::string>& arguments,
                                 const CommandOptions& options = {}) {
  return run_program(BELLMAN_COMMAND, arguments, options);
}

}  // namespace bellman::test
