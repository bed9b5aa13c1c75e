#include "tests/support/ranks/ranks_contract.h"

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "core/base/check.h"

namespace bellman::test {

namespace {

using Bytes = std::vector<std::byte>;
using Sizes = std::vector<std::size_t>;

/// Byte `i` of what rank `from` gives rank `to` in a round. Neighbours in each argument differ.
std::byte byte_of(std::size_t round, std::size_t from, std::size_t to, std::size_t i) {
  return static_cast<std::byte>(round * 89 + from * 31 + to * 7 + i + (i >> 8U) * 3 + 1);
}

std::size_t total(const Sizes& sizes) { return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}); }

void add_part(Bytes& bytes, std::size_t round, std::size_t from, std::size_t to, std::size_t size) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + size);
  std::byte* const part = bytes.data() + begin;
  for (std::size_t i = 0; i < size; ++i) part[i] = byte_of(round, from, to, i);
}

/// Throws: Error naming the first byte that differs.
void require_equal(const char* what, std::size_t round, const Bytes& found, const Bytes& expected) {
  if (found.size() != expected.size())
    fail(what, " of round ", round, ": ", found.size(), " bytes, must be ", expected.size());
  if (found == expected) return;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != expected[i])
      fail(what, " of round ", round, ": byte ", i, " of ", found.size(), " is ", static_cast<int>(found[i]),
           ", must be ", static_cast<int>(expected[i]));
}

void check_all_gather(Ranks& ranks, std::size_t round, const Sizes& sizes) {
  const auto self = static_cast<std::size_t>(ranks.rank());
  Bytes all, expected;
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    add_part(expected, round, rank, 0, sizes[rank]);
    if (rank == self) add_part(all, round, rank, 0, sizes[rank]);
    all.resize(expected.size());
  }
  ranks.all_gather(all, sizes);
  require_equal("all_gather", round, all, expected);
}

/// What `from` gives `to`: parts of many sizes, and none.
std::size_t exchanged(std::size_t round, std::size_t from, std::size_t to) {
  return (from * 5 + to * 3 + round) % 4 == 0 ? 0 : (from + 1) * 1000 + to * 17 + round;
}

void check_all_to_all(Ranks& ranks, std::size_t round) {
  const auto self = static_cast<std::size_t>(ranks.rank()), size = static_cast<std::size_t>(ranks.size());
  Sizes out_sizes, in_sizes;
  Bytes out, expected;
  for (std::size_t other = 0; other < size; ++other) {
    out_sizes.push_back(exchanged(round, self, other));
    in_sizes.push_back(exchanged(round, other, self));
    add_part(out, round, self, other, out_sizes.back());
    add_part(expected, round, other, self, in_sizes.back());
  }
  Bytes in(total(in_sizes));
  ranks.all_to_all(out, out_sizes, in, in_sizes);
  require_equal("all_to_all", round, in, expected);
}

/// Every rank sends each other one, and itself, messages of several sizes. All arrive, those of one sender in order.
void check_messages(Ranks& ranks) {
  constexpr std::size_t kMessages = 30;
  const auto size_of = [](std::size_t number) { return number * number * 13; };  // 0 to 11 KiB
  const auto self = static_cast<std::size_t>(ranks.rank()), size = static_cast<std::size_t>(ranks.size());
  for (std::size_t number = 0; number < kMessages; ++number)
    for (std::size_t to = 0; to < size; ++to) {
      Bytes bytes;
      add_part(bytes, number, self, to, size_of(number));
      ranks.send(static_cast<int>(to), bytes);
    }
  Sizes received(size);
  for (std::size_t left = kMessages * size; left > 0; --left) {
    const RankMessage message = wait_for_message(ranks);
    const auto from = static_cast<std::size_t>(message.from);
    const std::size_t number = received.at(from)++;
    Bytes expected;
    add_part(expected, number, from, self, size_of(number));
    require_equal("message", number, message.bytes, expected);
  }
}

/// A ring of large messages: each rank sends before it receives.
void check_large_message(Ranks& ranks, std::size_t bytes) {
  const auto self = static_cast<std::size_t>(ranks.rank()), size = static_cast<std::size_t>(ranks.size());
  const std::size_t next = (self + 1) % size, last = (self + size - 1) % size;
  Bytes message, expected;
  add_part(message, 0, self, next, bytes);
  add_part(expected, 0, last, self, bytes);
  ranks.send(static_cast<int>(next), message);
  const RankMessage received = wait_for_message(ranks);
  if (received.from != static_cast<int>(last))
    fail("message from rank ", received.from, ", must be from ", last);
  require_equal("large message", 0, received.bytes, expected);
}

}  // namespace

RankMessage wait_for_message(Ranks& ranks) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    if (std::optional<RankMessage> message = ranks.receive()) return *std::move(message);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  fail("rank ", ranks.rank(), " waited a minute for a message");
}

void check_ranks_contract(Ranks& ranks, std::size_t large) {
  constexpr std::size_t kChunk = 4096;
  const auto size = static_cast<std::size_t>(ranks.size());
  if (ranks.rank() < 0 || ranks.rank() >= ranks.size())
    fail("rank ", ranks.rank(), " of ", ranks.size(), " is none of them");
  for (std::size_t round = 0; round < 20; ++round) {
    Sizes sizes;
    for (std::size_t rank = 0; rank < size; ++rank)
      sizes.push_back((rank + round) % 3 == 0 ? 0 : rank * 777 + round);
    check_all_gather(ranks, round, sizes);
    check_all_to_all(ranks, round);
  }
  check_all_gather(ranks, 20, Sizes(size, 0));
  check_all_gather(ranks, 21, Sizes(size, 8));
  Sizes one_large(size, kChunk);
  one_large.back() = large;
  check_all_gather(ranks, 22, one_large);
  check_messages(ranks);
  check_all_gather(ranks, 23, Sizes(size, 1));  // before anybody sends of what follows
  check_large_message(ranks, large);
  check_all_gather(ranks, 24, Sizes(size, 1));
  // A collective while messages are on their way: neither takes the other for its own.
  ranks.send((ranks.rank() + 1) % ranks.size(), Bytes(kChunk, std::byte{42}));
  check_all_gather(ranks, 24, Sizes(size, kChunk));
  require_equal("message", 25, wait_for_message(ranks).bytes, Bytes(kChunk, std::byte{42}));
  check_all_gather(ranks, 26, Sizes(size, 1));  // all have received theirs
  if (ranks.receive()) fail("a message arrived that nobody sent");
}

}  // namespace bellman::test
