// What a ring is, saved, restored and refused.
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/rng.h"
#include "rl/replay_ring.h"
#include "tests/support/error_message.h"

using namespace bellman;
using bellman::test::contains;
using bellman::test::error_message;

TEST_CASE("a ring whose state is restored goes on alike") {
  for (std::uint64_t config = 0; config < 40; ++config) {
    CAPTURE(config);
    RandomSequence random({18, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 4);
    ReplayRing ring(2 * (n + 1 + uniform_index(random.word(), 6)), 2, n, 0.9);
    ReplayRing restored(ring.capacity(), 2, n, 0.9);
    std::array<bool, 2> running{};
    const std::uint32_t length = uniform_index(random.word(), 60);
    for (std::uint32_t t = 0; t < length + 40; ++t) {
      if (t == length) restored.set_state(ring.state());
      const Index lane = uniform_index(random.word(), 2);
      const float draw = random.uniform();
      const bool terminated = draw<0.1F, truncated = draw> 0.9F;
      const auto advance = [&](ReplayRing& r) {
        return running[static_cast<std::size_t>(lane)] ? r.add(lane, 1, draw, terminated, truncated)
                                                       : r.begin_episode(lane);
      };
      const ReplayWrite write = advance(ring);
      if (t >= length) {
        const ReplayWrite same = advance(restored);
        REQUIRE(same.slot == write.slot);
        REQUIRE(same.evicted == write.evicted);
        REQUIRE(std::vector<Index>(same.completed.begin(), same.completed.end()) ==
                std::vector<Index>(write.completed.begin(), write.completed.end()));
        REQUIRE(restored.size() == ring.size());
      }
      bool& is_running = running[static_cast<std::size_t>(lane)];
      is_running = !is_running || (!terminated && !truncated);
    }
  }
}

TEST_CASE("a state that no ring can be in is refused") {
  using Kind = ReplayRing::Kind;
  ReplayRing ring(8, 2, 1, 0.9);
  const std::vector<std::int32_t> actions(8, 0);
  std::vector<float> rewards(8, 0.0F);
  const auto refusal = [&](const std::vector<Kind>& kinds, const std::vector<Index>& heads) {
    return error_message([&] { ring.set_state({kinds, actions, rewards, heads}); });
  };
  const Kind e = Kind::kEmpty, c = Kind::kCurrent, s = Kind::kStep, t = Kind::kTerminated, f = Kind::kFinal;
  CHECK(refusal({s, c, e, e, e, e, e, e}, {1, -1}) == "no error");
  CHECK(ring.size() == 1);
  CHECK(refusal({t, f, s, c, f, s, c, t}, {3, 2}) == "no error");
  CHECK(ring.size() == 4);

  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {1}), "1 heads"));
  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {4, -1}), "is 4, must be from -1 to 3"));
  CHECK(contains(refusal({s, s, e, e, e, e, e, e}, {1, -1}), "holds a step"));
  CHECK(contains(refusal({s, c, c, e, e, e, e, e}, {1, -1}), "was not written yet"));
  CHECK(contains(refusal({s, f, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({t, c, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({f, e, e, e, e, e, e, e}, {0, -1}), "begins with"));
  CHECK(contains(refusal({e, c, e, e, e, e, e, e}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({static_cast<Kind>(9), c, e, e, e, e, e, e}, {1, -1}), "unknown kind 9"));
  rewards[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(refusal({s, c, e, e, e, e, e, e}, {1, -1}), "the reward in slot 3"));
  CHECK(ring.size() == 4);  // none of them changed it
}

TEST_CASE("what a restart changes in an older block is renewed in a state that is kept") {
  ReplayRing ring(600, 1, 1, 0.9);
  ring.begin_episode(0);
  for (std::size_t t = 0; t + 1 < ChangedBlocks::kBlock; ++t) ring.add(0, 0, 1, false, false);
  TensorFile kept, whole;
  SavedState saved(kept);
  const auto save = [&] {
    StateWriter out(saved);
    ring.save(out);
  };
  save();
  CHECK(ring.restart_episode(0).slot == ChangedBlocks::kBlock);  // the first of the next block
  save();
  StateWriter out(whole);
  ring.save(out);
  for (const FileTensor& tensor : whole.tensors) {
    CAPTURE(tensor.name);
    CHECK(kept.find(tensor.name)->bytes == tensor.bytes);
  }
}
