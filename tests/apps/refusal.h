// How bad input must look to a user.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/run_command.h"

namespace bellman::test {

/// Exit code 2, nothing on stdout, one line on stderr that says which command complains.
inline bool refused(const CommandResult& result) {
  return result.exit_code == 2 && result.out.empty() && result.err.starts_with("bellman ") &&
         std::count(result.err.begin(), result.err.end(), '\n') == 1 && result.err.ends_with('\n');
}

/// Checks that these arguments are refused, in a line that holds every one of `words`.
inline void check_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words) {
  const CommandResult result = run_bellman(arguments);
  CAPTURE(result.exit_code);
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(refused(result));
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(result.err.find(word) != std::string::npos);
  }
}

}  // namespace bellman::test
