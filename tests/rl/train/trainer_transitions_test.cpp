// Transitions in the DQN loop: what is stored, and what learn steps get.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/train/recorded_run.h"

namespace bellman {
namespace {

using test::bare_config;
using test::episodes_of;
using test::kTerminated;
using test::kTruncated;
using test::LearnerRecord;
using test::RecordedRun;
using test::scripted_env;

using Sample = LearnerRecord::Sample;

/// Resets itself one step late, as vector environments do: until then it shows the last episode's end.
class LateReset final : public Env {
 public:
  explicit LateReset(std::unique_ptr<Env> env) : env_(std::move(env)) {}

  const EnvSpec& spec() const override { return env_->spec(); }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override {
    if (started_)
      waits_ = true;
    else
      env_->reset();
    started_ = true;
  }
  StepResult step(int action) override {
    if (!waits_) return env_->step(action);
    waits_ = false;
    env_->reset();
    return {.began = true};
  }
  void observe(std::span<float> out) const override { env_->observe(out); }
  std::vector<double> state() const override { return {}; }
  void set_state(std::span<const double>) override {}
  void set_physical_state(std::span<const double>) override {}

 private:
  std::unique_ptr<Env> env_;
  bool started_ = false, waits_ = false;
};

/// Every sample of every batch.
std::vector<Sample> samples_of(const RecordedRun& run) {
  std::vector<Sample> all;
  for (const auto& batch : run.record.batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

TEST_CASE("truncation is not termination: the real final observation is bootstrapped from") {
  for (const StepResult end : {kTerminated, kTruncated}) {
    CAPTURE(end.terminated);
    RecordedRun run(scripted_env(2, episodes_of(5, end)));
    run.run(bare_config(500));
    int ends = 0;
    for (const Sample& sample : samples_of(run)) {
      const bool last = sample.observation[2] == 4;
      ends += last;
      CHECK(sample.terminated == (last && end.terminated ? 1.0F : 0.0F));
      if (last) CHECK(sample.next_observation == std::vector<float>{0, sample.observation[1], 5});
    }
    CHECK(ends > 50);
  }
}

TEST_CASE("an episode that terminates on the very step of its time limit has terminated") {
  RecordedRun run(scripted_env(2, episodes_of(3, {.terminated = true, .truncated = true})));
  run.run(bare_config(300));
  for (const Sample& sample : samples_of(run))
    CHECK(sample.terminated == (sample.observation[2] == 2 ? 1.0F : 0.0F));
}

TEST_CASE("no pseudo-transition is stored: s' follows s in the same environment and episode") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTerminated)));
  TrainConfig config = bare_config(600);
  config.num_envs = 3;
  run.run(config);
  CHECK(run.record.batches.size() == 600);
  for (const Sample& sample : samples_of(run)) {
    const auto& s = sample.observation;
    CHECK(sample.next_observation == std::vector<float>{s[0], s[1], s[2] + 1});
    CHECK(sample.reward == s[2] + 1);
    CHECK(sample.discount == 0.99F);
  }
}

TEST_CASE("a step that began an episode instead is no transition, and belongs to no episode") {
  const EnvFactory plain = scripted_env(2, episodes_of(4, kTerminated));
  RecordedRun run([plain] { return std::make_unique<LateReset>(plain()); });
  TrainConfig config = bare_config(600);
  config.num_envs = 3;
  run.run(config);
  std::set<float> episodes;
  for (const Sample& sample : samples_of(run)) {
    const auto& s = sample.observation;
    episodes.insert(s[1]);
    CHECK(sample.next_observation == std::vector<float>{s[0], s[1], s[2] + 1});
    CHECK(sample.reward == s[2] + 1);
    CHECK(sample.terminated == (s[2] == 3 ? 1.0F : 0.0F));
  }
  CHECK(episodes.size() > 30);  // of 40: 200 rounds of 4 steps and one that begins the next
  CHECK(run.sink.episodes.size() == 120);
  for (const EpisodeRecord& episode : run.sink.episodes) {
    CHECK(episode.length == 4);
    CHECK(episode.episode_return == 1 + 2 + 3 + 4);
  }
}

TEST_CASE("n-step returns end with the episode and bootstrap with gamma^k") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTruncated)));
  TrainConfig config = bare_config(800);
  config.n_step = 3;
  config.gamma = 0.5;
  config.num_envs = 2;
  run.run(config);
  std::set<float> starts;
  for (const Sample& sample : samples_of(run)) {
    const float t = sample.observation[2];
    starts.insert(t);
    const float k = std::min(3.0F, 4.0F - t);
    float expected = 0;
    for (float i = 0; i < k; ++i) expected += std::pow(0.5F, i) * (t + i + 1);
    CHECK(sample.reward == expected);
    CHECK(sample.discount == std::pow(0.5F, k));
    CHECK(sample.terminated == 0);
    CHECK(sample.next_observation == std::vector<float>{sample.observation[0], sample.observation[1], t + k});
  }
  CHECK(starts == std::set<float>{0, 1, 2, 3});
}

TEST_CASE("every observation is stored once: resets and the results of steps, final ones included") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTerminated)));
  run.record.first_slots = 40 + 11 + 1;  // 10 episodes ended, the 11th has begun, and one slot is free
  run.run(bare_config(40));
  std::vector<std::vector<float>>& stored = run.record.stored;
  REQUIRE(stored.size() == 52);
  CHECK(stored.back() == std::vector<float>(3));
  stored.pop_back();
  CHECK(std::set<std::vector<float>>(stored.begin(), stored.end()).size() == 51);
}

TEST_CASE("without replay each transition is learnt from once, as it comes") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTerminated)));
  TrainConfig config = bare_config(30);
  config.replay = false;
  config.num_envs = 3;
  run.run(config);
  REQUIRE(run.record.batches.size() == 10);
  for (std::size_t round = 0; round < 10; ++round) {
    const auto& batch = run.record.batches[round];
    REQUIRE(batch.size() == 3);
    for (std::size_t e = 0; e < 3; ++e) {
      const auto t = static_cast<float>(round % 4);
      const auto episode = static_cast<float>(round / 4);
      CHECK(batch[e].observation == std::vector<float>{static_cast<float>(e), episode, t});
      CHECK(batch[e].next_observation == std::vector<float>{static_cast<float>(e), episode, t + 1});
      CHECK(batch[e].weight == 1);
    }
  }
}

TEST_CASE("without replay n-step windows are learnt from when they are complete") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTerminated)));
  TrainConfig config = bare_config(40);
  config.replay = false;
  config.n_step = 3;
  run.run(config);
  std::vector<std::size_t> sizes;
  for (const auto& batch : run.record.batches) sizes.push_back(batch.size());
  // Of 4 steps: nothing after the 1st and 2nd, s_0 after the 3rd, s_1 s_2 s_3 at the end.
  std::vector<std::size_t> expected;
  for (int episode = 0; episode < 10; ++episode) expected.insert(expected.end(), {1, 3});
  CHECK(sizes == expected);
}

TEST_CASE("rewards are scaled, then clipped, for learning; reported returns are raw") {
  RecordedRun run(scripted_env(2, episodes_of(4, kTerminated)));
  TrainConfig config = bare_config(200);
  config.reward_scale = 0.5;
  config.reward_clip = 1.25;
  run.run(config);
  std::set<float> rewards;
  for (const Sample& sample : samples_of(run)) rewards.insert(sample.reward);
  CHECK(rewards == std::set<float>{0.5F, 1.0F, 1.25F});  // of 1, 2, and of 3 and 4
  REQUIRE(run.sink.episodes.size() == 50);
  for (const EpisodeRecord& episode : run.sink.episodes) {
    CHECK(episode.episode_return == 1 + 2 + 3 + 4);
    CHECK(episode.length == 4);
  }
  CHECK(run.sink.episodes[2].timestep == 12);
}

TEST_CASE("rewards are clipped on both sides, and none are without reward_clip") {
  for (const double clip : {0.0, 1.5}) {
    RecordedRun run(scripted_env(2, [](const RandomStream&, Index t, int) {
      return StepResult{.reward = static_cast<float>(t) - 4, .terminated = t == 8};
    }));
    TrainConfig config = bare_config(200);
    config.reward_clip = clip;
    run.run(config);
    std::set<float> rewards;
    for (const Sample& sample : samples_of(run)) rewards.insert(sample.reward);
    CHECK(rewards ==
          (clip == 0 ? std::set<float>{-3, -2, -1, 0, 1, 2, 3, 4} : std::set<float>{-1.5F, -1, 0, 1, 1.5F}));
  }
}

}  // namespace
}  // namespace bellman
