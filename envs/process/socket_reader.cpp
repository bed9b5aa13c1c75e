#include "envs/process/socket_reader.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <sys/socket.h>

namespace bellman {

ssize_t SocketReader::read(int socket, std::span<char> to) {
  if (skipped_++ < skip_) return ::recv(socket, to.data(), to.size(), 0);
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kMomentMicroseconds);
  do {
    const ssize_t n = ::recv(socket, to.data(), to.size(), MSG_DONTWAIT);
    const bool is_empty = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (is_empty) continue;
    skip_ = skipped_ = 0;
    return n;
  } while (std::chrono::steady_clock::now() < until);
  skip_ = std::min(2 * skip_ + 1, kMostSkipped);
  skipped_ = 0;
  return ::recv(socket, to.data(), to.size(), 0);
}

}  // namespace bellman
