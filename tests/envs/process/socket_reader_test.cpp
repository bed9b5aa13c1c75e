#include "envs/process/socket_reader.h"

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace bellman {
namespace {

struct SocketPair {
  SocketPair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
  ~SocketPair() {
    close(ends[0]);
    close_other();
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  void close_other() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  void write(const std::string& text) const {
    REQUIRE(::send(ends[1], text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  std::string read(SocketReader& reader) const {
    std::array<char, 16> bytes{};
    const ssize_t n = reader.read(ends[0], bytes);
    return n < 0 ? "failed" : std::string(bytes.data(), static_cast<std::size_t>(n));
  }
  int ends[2] = {-1, -1};
};

TEST_CASE("a socket reader gets what is there, and what comes long after its moment, in any order of these") {
  SocketPair pair;
  SocketReader reader;
  for (int round = 0; round < 200; ++round) {
    const std::string text = "answer " + std::to_string(round);
    if (round % 20 < 15) {
      pair.write(text);
      CHECK(pair.read(reader) == text);
      continue;
    }
    std::thread late([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      pair.write(text);
    });
    CHECK(pair.read(reader) == text);
    late.join();
  }
}

TEST_CASE("a socket reader sees the end, and the socket's own patience ends the wait") {
  SocketPair pair;
  const timeval patience = {0, 20'000};
  REQUIRE(setsockopt(pair.ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  SocketReader reader;
  for (int i = 0; i < 5; ++i)
    CHECK(pair.read(reader) == "failed");  // while it spins first, and while it does not
  pair.write("last words");
  pair.close_other();
  CHECK(pair.read(reader) == "last words");
  for (int i = 0; i < 3; ++i) CHECK(pair.read(reader).empty());
}

}  // namespace
}  // namespace bellman
