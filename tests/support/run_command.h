// Runs the `bellman` command as a user does, in a process of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/support/run_program.h"

namespace bellman::test {

using Words = std::vector<std::string>;

/// One after the other.
inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// BELLMAN_COMMAND with these arguments: run_program().
inline CommandResult run_bellman(const Words& arguments, const CommandOptions& options = {}) {
  return run_program(BELLMAN_COMMAND, arguments, options);
}

}  // namespace bellman::test
