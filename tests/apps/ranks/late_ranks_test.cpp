// How ranks that wait find out who is late. Each case plays the notes of all of them.
#include "apps/ranks/late_ranks.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace bellman::test {

namespace {

/// Lines of the ranks in a collective for which rank r arrives at `arrivals[r]` seconds; it ends when all have.
std::vector<std::string> lines(const std::vector<double>& arrivals) {
  constexpr double kPatience = 10, kStep = 0.01;
  const int size = static_cast<int>(arrivals.size());
  double end = 0;
  for (const double arrival : arrivals) end = std::max(end, arrival);
  std::vector<LateRanks> ranks;
  for (int rank = 0; rank < size; ++rank) ranks.emplace_back(rank, size, 5, kPatience);
  struct Sent {
    int from, to;
    WaitNote note;
  };
  std::vector<Sent> notes;
  std::vector<std::string> said;
  for (double now = 0; now < end; now += kStep)
    for (int rank = 0; rank < size; ++rank) {
      if (arrivals[static_cast<std::size_t>(rank)] > now) continue;
      LateRanks& self = ranks[static_cast<std::size_t>(rank)];
      std::vector<Sent> others, received;
      for (const Sent& sent : notes) (sent.to == rank ? received : others).push_back(sent);
      notes = others;
      for (const Sent& sent : received)
        if (self.receive(sent.from, sent.note)) notes.push_back({rank, sent.from, {WaitNote::kHere, 5}});
      const LateRanks::Action action = self.at(now - arrivals[static_cast<std::size_t>(rank)]);
      if (action.ask_all)
        for (int other = 0; other < size; ++other)
          if (other != rank) notes.push_back({rank, other, {WaitNote::kAsk, 5}});
      if (!action.line.empty()) said.push_back(action.line);
    }
  for (int rank = 0; rank < size; ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    if (const std::string line = ranks[r].end(end - arrivals[r]); !line.empty()) said.push_back(line);
  }
  return said;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the lowest rank that waits names those that are late") {
  CHECK(lines({0, 0, 0}).empty());
  CHECK(lines({0, 9, 3}).empty());
  CHECK(lines({0, 0, 34}) == Lines{"rank 0 of 3 has waited 10 s for rank 2",
                                   "rank 0 of 3 goes on after 34 s of waiting for rank 2"});
  CHECK(lines({25, 0, 0, 20}) == Lines{"rank 1 of 4 has waited 10 s for ranks 0 and 3",
                                       "rank 1 of 4 goes on after 25 s of waiting for ranks 0 and 3"});
}

TEST_CASE("a rank that waits not as long is not late") {
  CHECK(lines({9.5, 0, 40, 6}).front() == "rank 1 of 4 has waited 10 s for rank 2");
}

TEST_CASE("a note of another collective has no answer") {
  LateRanks rank(1, 3, 5, 10);
  CHECK_FALSE(rank.receive(0, {WaitNote::kAsk, 4}));
  CHECK_FALSE(rank.receive(0, {WaitNote::kHere, 5}));
  CHECK(rank.receive(0, {WaitNote::kAsk, 5}));
}

TEST_CASE("many ranks are counted") {
  CHECK(ranks_text({3}) == "rank 3");
  CHECK(ranks_text({1, 2, 5}) == "ranks 1, 2 and 5");
  CHECK(ranks_text({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) == "ranks 0, 1, 2, 3, 4, 5, 6, 7 and 3 others");
}

}  // namespace bellman::test
