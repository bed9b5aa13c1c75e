// What ranks must agree on, with threads as ranks.
#include "apps/ranks/rank_words.h"

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {

namespace {

/// The message that all ranks have. "": none differs.
std::string difference(const std::vector<std::vector<RankWord>>& words) {
  std::mutex mutex;
  std::set<std::string> found;
  on_thread_ranks(static_cast<int>(words.size()), [&](Ranks& ranks) {
    const std::string text = difference_in_words(ranks, words[static_cast<std::size_t>(ranks.rank())]);
    const std::lock_guard lock(mutex);
    found.insert(text);
  });
  CHECK(found.size() == 1);
  return *found.begin();
}

}  // namespace

TEST_CASE("the first word that differs is named with rank, key and values") {
  const std::vector<RankWord> words = {{"version", "0.1.0"}, {"gamma", "0.99"}, {"map", ""}};
  CHECK(difference({words}) == "");
  CHECK(difference({words, words, words}) == "");
  CHECK(difference({words, words, {{"version", "0.1.0"}, {"gamma", "0.9"}, {"map", "x"}}}) ==
        "gamma is 0.9 on rank 2, and 0.99 on rank 0: all ranks must have the same");
  CHECK(difference({words, {{"version", "0.1.0"}, {"gamma", "0.99"}, {"map", "a\nb"}}}) ==
        "map is a\\x0ab on rank 1, and  on rank 0: all ranks must have the same");
  CHECK(difference({words, {{"version", "0.1.0"}, {"grid", "0.99"}, {"map", ""}}}) ==
        "rank 1 has \"grid\" where rank 0 has \"gamma\"");
  CHECK(difference({words, {{"version", "0.1.0"}}}) == "rank 1 has \"\" where rank 0 has \"gamma\"");
}

TEST_CASE("this program's words have values, the same on all ranks") {
  on_thread_ranks(2, [](Ranks& ranks) { require_same_words(ranks, program_words()); });
  for (const RankWord& word : program_words()) CHECK_FALSE(word.value.empty());
}

TEST_CASE("an error of one rank ends all with exit code 2; a single rank passes it on") {
  CHECK(error_message([] {
          on_thread_ranks(
              1, [](Ranks& ranks) { on_rank(ranks, "bellman sweep", []() -> int { fail("no disk"); }); });
        }) == "no disk");
  int status = 0;
  try {
    on_thread_ranks(2, [&](Ranks& ranks) {
      on_rank(ranks, "rank_words_test", [&]() -> int {
        if (ranks.rank() == 1) fail("expected: this line belongs to the test");
        while (!ranks.receive()) {
        }
        return 0;
      });
    });
  } catch (const RanksAborted& aborted) {
    status = aborted.status;
  }
  CHECK(status == 2);
  on_thread_ranks(2, [](Ranks& ranks) { CHECK(on_rank(ranks, "", [] { return 3; }) == 3); });
}

}  // namespace bellman::test
