// Tests that repeat more often in long runs (scripts/test.sh --long).
#pragma once

#include <cstdlib>

namespace bellman::test {

inline bool has_long_tests() { return std::getenv("BELLMAN_LONG_TESTS") != nullptr; }

}  // namespace bellman::test
