// The state of a ring: saved, restored and refused.
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "rl/replay/replay_ring.h"
#include "tests/support/error_message.h"

using namespace bellman;
using bellman::test::contains;
using bellman::test::error_message;

namespace {

TensorFile state_of(const ReplayRing& ring) {
  TensorFile file;
  StateWriter out(file);
  ring.save(out);
  return file;
}

}  // namespace

TEST_CASE("a ring whose state is restored continues alike") {
  for (std::uint64_t config = 0; config < 40; ++config) {
    CAPTURE(config);
    RandomSequence random({18, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 4);
    const Index stack = 1 + static_cast<Index>(config % 4);
    ReplayRing ring(2 * (n + stack + uniform_index(random.word(), 6)), 2, n, 0.9, stack);
    ReplayRing restored(ring.capacity(), 2, n, 0.9, stack);
    std::array<bool, 2> running{};
    const std::uint32_t length = uniform_index(random.word(), 60);
    for (std::uint32_t t = 0; t < length + 40; ++t) {
      if (t == length) {
        const TensorFile state = state_of(ring);
        restored.load(StateReader(state, "F"), 2);
        REQUIRE(restored.written() == ring.written());
        REQUIRE(restored.size() == ring.size());
      }
      const Index env = uniform_index(random.word(), 2);
      const float draw = random.uniform();
      const bool terminated = draw<0.1F, truncated = draw> 0.9F;
      const auto advance = [&](ReplayRing& r) {
        return running[static_cast<std::size_t>(env)] ? r.add(env, 1, draw, terminated, truncated)
                                                      : r.begin_episode(env);
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
      bool& is_running = running[static_cast<std::size_t>(env)];
      is_running = !is_running || (!terminated && !truncated);
    }
  }
}

TEST_CASE("a ring saves what it has written, environment after environment, and no more") {
  ReplayRing ring(12, 3, 1, 0.9);
  const auto saved = [&] {
    const TensorFile file = state_of(ring);
    const StateReader in(file, "F");
    const std::size_t slots = rows_in(ring.written());
    CHECK(in.get<float>("replay.rewards").size() == slots);
    CHECK(in.get<std::int32_t>("replay.actions").size() == slots);
    CHECK(in.get<std::uint8_t>("replay.kinds").size() == slots);
    return in.get<Index>("replay.written");
  };
  CHECK(saved() == std::vector<Index>{0, 0, 0});
  CHECK(ring.written().empty());
  ring.begin_episode(0);
  ring.add(0, 1, 5, false, false);
  ring.begin_episode(2);
  CHECK(saved() == std::vector<Index>{2, 0, 1});
  CHECK(ring.written() == RowRanges{{0, 2}, {8, 9}});
  ring.begin_episode(1);
  for (int t = 0; t < 3; ++t) ring.add(1, 1, 6, false, false);
  CHECK(saved() == std::vector<Index>{2, 4, 1});
  CHECK(ring.written() == RowRanges{{0, 2}, {4, 9}});
  ring.add(1, 1, 6, false, false);  // round: still all of its slots
  for (int t = 0; t < 9; ++t) ring.add(0, 1, 7, false, false);
  CHECK(saved() == std::vector<Index>{4, 4, 1});
  CHECK(ring.written() == RowRanges{{0, 9}});
}

TEST_CASE("a state that no ring can be in is refused") {
  using Kind = ReplayRing::Kind;
  ReplayRing ring(8, 2, 1, 0.9);
  float last_reward = 0;
  const auto refusal = [&](const std::vector<Kind>& kinds, const std::vector<Index>& written,
                           const std::vector<Index>& heads) {
    TensorFile file;
    StateWriter out(file);
    std::vector<std::uint8_t> numbers;
    for (const Kind kind : kinds) numbers.push_back(static_cast<std::uint8_t>(kind));
    std::vector<float> rewards(kinds.size(), 0.0F);
    rewards.back() = last_reward;
    out.add("replay.kinds", numbers);
    out.add("replay.actions", std::vector<std::int32_t>(kinds.size(), 0));
    out.add("replay.rewards", rewards);
    out.add("replay.written", written);
    out.add("replay.heads", heads);
    return error_message([&] { ring.load(StateReader(file, "F"), 1); });
  };
  const Kind e = Kind::kEmpty, c = Kind::kCurrent, s = Kind::kStep, t = Kind::kTerminated, f = Kind::kFinal;
  CHECK(refusal({s, c}, {2, 0}, {1, -1}) == "no error");
  CHECK(ring.size() == 1);
  CHECK(refusal({t, f, s, c, f, s, c, t}, {4, 4}, {3, 2}) == "no error");
  CHECK(ring.size() == 4);

  CHECK(contains(refusal({s, c}, {2, 0}, {1}), "replay.heads has 1 numbers"));
  CHECK(contains(refusal({s, c}, {2}, {1, -1}), "replay.written has 1 numbers"));
  CHECK(contains(refusal({s, c}, {2, -1}, {1, -1}),
                 "replay.written is -1 of environment 1, must be from 0 to 4"));
  CHECK(contains(refusal({s, c}, {5, 0}, {1, -1}), "must be from 0 to 4"));
  CHECK(contains(refusal({s, c}, {2, 1}, {1, 0}), "replay.kinds has 2 numbers, this run's has 3"));
  CHECK(contains(refusal({s, c}, {2, 0}, {4, -1}), "is 4, must be from -1 to 3"));
  CHECK(contains(refusal({s, c}, {2, 0}, {0, -1}), "is 0, but 2 of its 4 slots were written"));
  CHECK(contains(refusal({s, c}, {2, 0}, {1, 0}), "is 0, but 0 of its 4 slots were written"));
  CHECK(contains(refusal({s, s, s, c}, {4, 0}, {-1, -1}), "is -1, but 4 of its 4 slots were written"));
  CHECK(contains(refusal({s, s}, {2, 0}, {1, -1}), "holds a step"));
  CHECK(contains(refusal({s, f}, {2, 0}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({t, c}, {2, 0}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({f}, {1, 0}, {0, -1}), "begins with"));
  CHECK(contains(refusal({e, c}, {2, 0}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({c, e}, {2, 0}, {1, -1}), "cannot follow"));
  CHECK(contains(refusal({static_cast<Kind>(9), c}, {2, 0}, {1, -1}), "unknown kind 9"));
  last_reward = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(refusal({s, c}, {2, 0}, {1, -1}), "the reward at place 1"));
  CHECK(ring.size() == 4);  // none of them changed it
  CHECK(ring.written() == RowRanges{{0, 8}});
}

TEST_CASE("what a restart changes in an older block is renewed in a state that is kept") {
  ReplayRing ring(600, 1, 1, 0.9);
  ring.begin_episode(0);
  for (std::size_t t = 0; t + 1 < ChangedBlocks::kBlock; ++t) ring.add(0, 0, 1, false, false);
  SavedState saved;
  const auto save = [&] {
    StateWriter out(saved);
    ring.save(out);
  };
  save();
  CHECK(ring.restart_episode(0).slot == ChangedBlocks::kBlock);  // the first of the next block
  save();
  TensorFile kept;
  FileSink sink(kept);
  saved.hand_over(sink);
  for (const FileTensor& tensor : state_of(ring).tensors) {
    CAPTURE(tensor.name);
    CHECK(kept.find(tensor.name)->bytes == tensor.bytes);
  }
}
