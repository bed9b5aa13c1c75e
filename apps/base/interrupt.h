// Ctrl-C and other requests to end: the first one asks, the second one ends.
#pragma once

#include <atomic>
#include <deque>
#include <string>

namespace bellman {

/// While it lives, the first SIGINT, SIGTERM, SIGHUP, SIGUSR1 or SIGXCPU only raises a flag. After it each of
/// them does again what it did before, which is to end the process at once. A signal that was ignored stays
/// ignored (nohup, a script's background job). SIGXCPU, which the system repeats every second, does nothing
/// the second time. REQUIRES: only one lives at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// The first signal writes `text` to `descriptor` the moment it arrives, whatever the program is busy with;
  /// after another call the other text.
  void announce(int descriptor, std::string text);

  const std::atomic<bool>& flag() const;
  /// The signal that raised the flag, 0 when none did.
  int signal() const;
  /// From here on every signal does what it did before the guard. Returns signal(), for good.
  int release();

 private:
  std::deque<std::string> texts_;  // all: a handler may be writing one that is replaced
};

}  // namespace bellman
