// Ctrl-C: the first one asks, the second one ends.
#pragma once

#include <atomic>

namespace bellman {

/// While it lives, the first SIGINT, SIGTERM or SIGUSR1 only raises a flag; after it each of them does what
/// it does by default: it ends the process at once. REQUIRES: only one lives at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  const std::atomic<bool>& flag() const;
  /// The signal that raised the flag, 0 when none did.
  int signal() const;
};

}  // namespace bellman
