// How often a piece of work asks the system for something.
#pragma once

#include <functional>
#include <optional>

namespace bellman::test {

/// System calls of `work`, counted in a copy of this process (fork, ptrace): nothing that it does is seen
/// here. Nothing where a process cannot be traced, or when the work kills its own. REQUIRES: the work needs
/// no thread but the one that calls this: the copy has no other.
std::optional<long> system_calls(const std::function<void()>& work);

}  // namespace bellman::test
