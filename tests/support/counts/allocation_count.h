// Counts the program's requests for memory, from any caller: new, malloc, Eigen.
#pragma once

#include <cstddef>

namespace bellman::test {

/// Allocations by all threads so far. Linked in only where it is called.
std::size_t allocations();

}  // namespace bellman::test
