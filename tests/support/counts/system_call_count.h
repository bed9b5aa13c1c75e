// Counts the system calls of some work.
#pragma once

#include <functional>
#include <optional>

namespace bellman::test {

/// System calls of `work`, counted in a copy of this process (fork, ptrace), so its effects stay
/// there. Empty where a process cannot be traced, or when the work kills its own. REQUIRES: the work needs
/// only the calling thread: the copy has no other.
std::optional<long> system_calls(const std::function<void()>& work);

}  // namespace bellman::test
