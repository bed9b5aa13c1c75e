// How many processors a rank has, by which ranks run beside it.
#include "apps/ranks/machine_share.h"

#include <vector>

#include <doctest/doctest.h>

#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {

namespace {

/// A rank that may use the processors from `first` to before `end`.
RankPlace place(const char* machine, std::size_t first, std::size_t end) {
  RankPlace place;
  place.machine = machine;
  for (std::size_t cpu = first; cpu < end; ++cpu) place.processors[cpu] = true;
  return place;
}

Index processors(const std::vector<RankPlace>& places, std::size_t self) {
  return machine_share_of(places, self).processors;
}

}  // namespace

TEST_CASE("ranks of a machine share the processors that each may use") {
  CHECK(processors({place("a", 0, 8)}, 0) == 8);
  const std::vector<RankPlace> unbound = {place("a", 0, 8), place("a", 0, 8), place("a", 0, 8)};
  CHECK(processors(unbound, 2) == 2);
  const std::vector<RankPlace> bound = {place("a", 0, 4), place("a", 4, 8)};
  CHECK(processors(bound, 0) == 4);
  const std::vector<RankPlace> partly = {place("a", 0, 2), place("a", 0, 6)};
  CHECK(processors(partly, 0) == 1);
  CHECK(processors(partly, 1) == 5);
  CHECK(processors({place("a", 0, 2), place("a", 0, 2), place("a", 0, 2)}, 0) ==
        1);                                       // more ranks than processors
  CHECK(processors({place("a", 0, 0)}, 0) == 1);  // unknown

  const std::vector<RankPlace> two = {place("a", 0, 4), place("b", 0, 2), place("a", 0, 4)};
  CHECK(processors(two, 0) == 2);
  CHECK(processors(two, 1) == 2);
  CHECK(machine_share_of(two, 0).ranks == 2);
  CHECK(machine_share_of(two, 1).ranks == 1);
  CHECK(machine_share_of(two, 1).machines == 2);
}

TEST_CASE("threads as ranks share this machine") {
  on_thread_ranks(3, [](Ranks& ranks) {
    const MachineShare share = machine_share(ranks);
    CHECK(share.ranks == 3);
    CHECK(share.machines == 1);
    CHECK(share.processors >= 1);
  });
}

}  // namespace bellman::test
