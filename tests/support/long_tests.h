// Tests that do more of the same when they have the time (scripts/test.sh --long).
#pragma once

#include <cstdlib>

namespace bellman::test {

inline bool has_long_tests() { return std::getenv("BELLMAN_LONG_TESTS") != nullptr; }

}  // namespace bellman::test
