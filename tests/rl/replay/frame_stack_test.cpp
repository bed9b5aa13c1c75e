// A replay that keeps each frame once, beside a memory that keeps every observation whole.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "rl/replay/host_replay.h"
#include "tests/support/counts/memory_taken.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

constexpr std::size_t kFrame = 3;  // numbers of a frame: its environment, and its number there in two digits

/// Plays random episodes into a replay, and keeps every observation as it was shown.
class StackedPlay {
 public:
  StackedPlay(Index capacity, Index envs, Index n, Index stack, ObservationType type, bool prioritized)
      : stack_(stack),
        size_(static_cast<std::size_t>(stack) * kFrame),
        envs_(static_cast<std::size_t>(envs)) {
    ReplayRing ring(capacity, envs, n, 0.9, stack);
    std::unique_ptr<Sampler> sampler;
    if (prioritized)
      sampler = std::make_unique<PrioritizedSampler>(ring.capacity(), 5, PriorityPower{0.6, 1e-3});
    else
      sampler = std::make_unique<UniformSampler>(ring.capacity(), 5);
    replay = std::make_unique<HostReplay>(std::move(ring), std::move(sampler), static_cast<Index>(size_),
                                          type, 16);
  }

  void step(RandomSequence& random) {
    const Index env = uniform_index(random.word(), static_cast<std::uint32_t>(envs_.size()));
    Played& played = envs_[static_cast<std::size_t>(env)];
    const float draw = random.uniform();
    if (!played.is_running) {
      replay->begin_episode(env, next(env, true));
      played.is_running = true;
    } else if (draw < 0.05F) {
      replay->restart_episode(env, next(env, true));
    } else {
      const bool terminated = draw > 0.9F, truncated = draw > 0.85F && !terminated;
      replay->add(env, 0, draw, terminated, truncated, next(env, false));
      played.is_running = !terminated && !truncated;
    }
  }

  /// The draw's states are, number for number, what was shown when they were added.
  void check_draw(std::uint64_t learn_step) {
    const Batch batch = replay->sample(learn_step, 0.5);
    check_states(batch, batch.state_slots());
    check_states(batch, batch.next_state_slots());
    std::vector<float> errors;
    for (std::size_t b = 0; b < batch.slots.size(); ++b) errors.push_back(static_cast<float>(b % 5));
    const std::optional<DrawnBatch> looked = replay->look(learn_step, 0.5);
    REQUIRE(looked);
    CHECK(looked->observations == gathered(batch, batch.state_slots()));
    CHECK(looked->next_observations == gathered(batch, batch.next_state_slots()));
    replay->update_priorities(batch, errors);
  }

  std::unique_ptr<HostReplay> replay;

 private:
  struct Played {
    bool is_running = false;
    int frames = 0;
    std::vector<std::vector<float>> episode;  // its frames
  };

  std::vector<float> next(Index env, bool begins) {
    Played& played = envs_[static_cast<std::size_t>(env)];
    if (begins) played.episode.clear();
    const int number = played.frames++;
    played.episode.push_back(
        {static_cast<float>(env), static_cast<float>(number / 256), static_cast<float>(number % 256)});
    std::vector<float> observation;
    const auto newest = static_cast<Index>(played.episode.size()) - 1;
    for (Index back = stack_ - 1; back >= 0; --back) {
      const std::vector<float>& frame =
          played.episode[static_cast<std::size_t>(std::max<Index>(newest - back, 0))];
      observation.insert(observation.end(), frame.begin(), frame.end());
    }
    shown_[played.episode.back()] = observation;
    return observation;
  }
  std::vector<float> gathered(const Batch& batch, std::span<const Index> slots) const {
    std::vector<float> rows(batch.slots.size() * size_);
    batch.observations->gather(rows, slots);
    return rows;
  }
  void check_states(const Batch& batch, std::span<const Index> slots) const {
    const std::vector<float> rows = gathered(batch, slots);
    for (auto row = rows.begin(); row != rows.end(); row += static_cast<std::ptrdiff_t>(size_)) {
      const std::vector<float> state(row, row + static_cast<std::ptrdiff_t>(size_));
      REQUIRE(shown_.at({state.end() - kFrame, state.end()}) == state);
    }
  }

  Index stack_;
  std::size_t size_;
  std::vector<Played> envs_;
  std::map<std::vector<float>, std::vector<float>> shown_;  // by the newest frame
};

TensorFile state_of(HostReplay& replay) {
  TensorFile file;
  StateWriter out(file);
  replay.save(out);
  return file;
}

TEST_CASE("every drawn state is the stack that was shown: random episodes, round the ring many times") {
  for (std::uint64_t config = 0; config < 48; ++config) {
    CAPTURE(config);
    RandomSequence random({19, Purpose::kTest, 0}, config);
    const Index n = 1 + uniform_index(random.word(), 4), envs = 1 + uniform_index(random.word(), 3),
                stack = 1 + static_cast<Index>(config % 5),
                capacity = envs * (n + stack + uniform_index(random.word(), 20));
    const ObservationType type = config % 2 == 0 ? ObservationType::kUint8 : ObservationType::kFloat32;
    StackedPlay play(capacity, envs, n, stack, type, config % 3 == 0);
    for (std::uint64_t t = 0; t < 1500; ++t) {
      play.step(random);
      if (play.replay->size() > 0 && t % 3 == 0) play.check_draw(t);
    }
  }
}

TEST_CASE("a replay of stacks whose state is restored draws alike") {
  for (const bool prioritized : {false, true}) {
    StackedPlay play(60, 2, 3, 4, ObservationType::kUint8, prioritized);
    StackedPlay other(60, 2, 3, 4, ObservationType::kUint8, prioritized);
    RandomSequence random({20, Purpose::kTest, 0}, 0);
    for (std::uint64_t t = 0; t < 200; ++t) {
      play.step(random);
      if (t > 50) play.check_draw(t);
    }
    const TensorFile state = state_of(*play.replay);
    other.replay->load(StateReader(state, "F"), 1);
    CHECK(other.replay->size() == play.replay->size());
    const std::optional<DrawnBatch> a = play.replay->look(7, 0.5), b = other.replay->look(7, 0.5);
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->observations == b->observations);
    CHECK(a->next_observations == b->next_observations);
    CHECK(a->arrays.frames == b->arrays.frames);
  }
}

TEST_CASE("an observation that is no stack of frames is refused") {
  const auto make = [](Index size) {
    return HostReplay(ReplayRing(20, 1, 1, 0.9, 4), std::make_unique<UniformSampler>(20, 1), size,
                      ObservationType::kFloat32, 4);
  };
  CHECK(error_message([&] { make(10); }) == "an observation of 10 elements cannot be 4 frames");
  HostReplay replay = make(8);
  const std::array<float, 2> frame = {1, 2};
  CHECK(error_message([&] { replay.begin_episode(0, frame); }) ==
        "an observation of 2 elements, the replay's have 8");
}

TEST_CASE("a frame of 84x84 bytes takes at most 7,200 bytes of a replay, with all that belongs to its step") {
  if (!kMemoryIsMeasured) return;
  constexpr Index kSize = 84 * 84;
  const std::vector<float> observation(4 * kSize, 200.0F);
  for (const bool prioritized : {false, true}) {
    const auto taken = [&](Index frames) {
      return memory_taken([&] {
        std::unique_ptr<Sampler> sampler;
        if (prioritized)
          sampler = std::make_unique<PrioritizedSampler>(frames, 1, PriorityPower{0.6, 1e-6});
        else
          sampler = std::make_unique<UniformSampler>(frames, 1);
        HostReplay replay(ReplayRing(frames, 1, 1, 0.99, 4), std::move(sampler), 4 * kSize,
                          ObservationType::kUint8, 32);
        replay.begin_episode(0, observation);
        for (Index t = 1; t < frames; ++t) replay.add(0, 0, 0, false, false, observation);
      });
    };
    constexpr Index kFewer = 10'000, kMore = 30'000;  // the difference has nothing that every process takes
    const double each =
        static_cast<double>(taken(kMore) - taken(kFewer)) / static_cast<double>(kMore - kFewer);
    MESSAGE(each << " bytes a frame, prioritised: " << prioritized);
    CHECK(each >= kSize);
    CHECK(each <= 7200);
  }
}

}  // namespace
}  // namespace bellman::test
