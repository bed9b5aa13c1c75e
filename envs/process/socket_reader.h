// Reading from a socket whose other end answers in microseconds, or after a long time.
#pragma once

#include <span>

#include <sys/types.h>

namespace bellman {

/// recv() that spins for a moment before it sleeps. To be woken takes longer than a step of many an environment.
///
/// The moment is longer than a wake-up: when both sides spin once, neither sleeps again. Where nothing else ran on two cores, a
/// vector step of one environment that does nothing took 17 to 19 us with it, 79 to 88 us without, and with a moment of 20 us
/// up to 84 us.
///
/// It spins only as long as that pays: after a moment in vain it sleeps at once the next time, then three times, seven
/// times, at most kMostSkipped times, until a moment is enough again. Where both processes share a core, the spinning one
/// keeps the other from answering. It does not yield its core either: on a machine with other busy programs the
/// scheduler takes that for the wish to wait for them.
class SocketReader {
 public:
  static constexpr int kMomentMicroseconds = 100;
  static constexpr int kMostSkipped = 63;

  /// As recv(): the bytes read, 0 at the end, -1 with errno.
  ssize_t read(int socket, std::span<char> to);

 private:
  int skip_ = 0;     // how often no moment is spent after one in vain
  int skipped_ = 0;  // since then
};

}  // namespace bellman
