// The ranks that unit tests have instead of MPI's.
#include "tests/support/ranks/thread_ranks.h"

#include <array>
#include <atomic>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/ranks_contract.h"

namespace bellman::test {

TEST_CASE("threads as ranks keep the words of the interface") {
  for (const int size : {1, 2, 3, 8}) {
    CAPTURE(size);
    std::atomic<int> ended = 0;
    on_thread_ranks(size, [&](Ranks& ranks) {
      check_ranks_contract(ranks, (std::size_t{1} << 20U) + 5);
      ++ended;
    });
    CHECK(ended == size);
  }
}

TEST_CASE("a rank that throws ends those that wait for it, and its exception is the one that is thrown") {
  for (const int failing : {0, 2}) {
    CAPTURE(failing);
    CHECK(error_message([&] {
            on_thread_ranks(3, [&](Ranks& ranks) {
              if (ranks.rank() == failing) throw Error("the disk is full");
              std::array<std::byte, 3> all{};
              ranks.all_gather(all, std::vector<std::size_t>{1, 1, 1});
            });
          }) == "the disk is full");
  }
  int status = 0;
  try {
    on_thread_ranks(2, [](Ranks& ranks) {
      if (ranks.rank() == 1) ranks.abort(7);
      while (!ranks.receive()) {
      }
    });
  } catch (const RanksAborted& aborted) {
    status = aborted.status;
  }
  CHECK(status == 7);
}

TEST_CASE("collectives that do not agree are refused") {
  const auto failure = [](const std::function<void(Ranks&)>& work) {
    return error_message([&] { on_thread_ranks(2, work); });
  };
  CHECK(contains(failure([](Ranks& ranks) {
                   std::array<std::byte, 4> all{};
                   ranks.all_gather(all, ranks.rank() == 0 ? std::vector<std::size_t>{1, 3}
                                                           : std::vector<std::size_t>{2, 2});
                 }),
                 "all_gather of 1 3 bytes"));
  CHECK(failure([](Ranks& ranks) {
          std::array<std::byte, 4> all{};
          ranks.all_gather(all, std::vector<std::size_t>{1, 2});
        }) == "all_gather: there are 4 bytes, and the sizes add up to 3");
  CHECK(failure([](Ranks& ranks) {
          std::array<std::byte, 2> out{}, in{};
          const std::vector<std::size_t> one_each = {1, 1}, none_and_two = {0, 2};
          ranks.all_to_all(out, one_each, in, ranks.rank() == 0 ? none_and_two : one_each);
        }) == "all_to_all: rank 0 has 1 bytes for rank 0, which expects 0");
  CHECK(contains(failure([](Ranks& ranks) {
                   if (ranks.rank() == 0) ranks.all_gather({}, std::vector<std::size_t>{0, 0});
                 }),
                 "return"));
  CHECK(
      contains(failure([](Ranks& ranks) { ranks.send(1 - ranks.rank(), {}); }), "never received 1 messages"));
  CHECK(failure([](Ranks& ranks) { ranks.send(2, {}); }) == "send: there is no rank 2 of 2");
}

}  // namespace bellman::test
