// The replay in the backend's memory against the replay in the host's: the same batches, the same run.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/learn/agent.h"
#include "rl/replay/sum_tree.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/counts/allocation_count.h"
#include "tests/support/error_message.h"
#include "tests/support/training/short_training.h"

namespace bellman {
namespace {

using test::error_message;
using test::short_training;

/// What a run leaves behind that does not depend on the clock.
struct DeviceOutcome {
  std::vector<float> parameters;
  std::vector<double> episodes;  // return, length, timestep
  std::vector<double> losses;    // of the rows
};

DeviceOutcome train(const TrainConfig& config, ReplayOps* ops) {
  ReferenceBackend<float> backend;
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = {}, .replay_ops = ops});
  test::RecordingSink sink;
  trainer.add_sink(sink);
  trainer.run();
  DeviceOutcome outcome;
  outcome.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  for (const EpisodeRecord& episode : sink.episodes)
    outcome.episodes.insert(
        outcome.episodes.end(),
        {episode.episode_return, static_cast<double>(episode.length), static_cast<double>(episode.timestep)});
  outcome.losses = sink.column("train/loss");
  return outcome;
}

/// The same numbers are added in the same order, so the bits are the same.
void check_same_run(const TrainConfig& config) {
  HostReplayOps ops;
  const DeviceOutcome host = train(config, nullptr), device = train(config, &ops);
  CHECK(device.parameters == host.parameters);
  CHECK(device.episodes == host.episodes);
  REQUIRE(device.losses.size() == host.losses.size());
  for (std::size_t i = 0; i < host.losses.size(); ++i)
    CHECK(
        (device.losses[i] == host.losses[i] || (std::isnan(device.losses[i]) && std::isnan(host.losses[i]))));
}

TEST_CASE("a device replay gives the run that a replay in host memory gives: uniform") {
  check_same_run(short_training());
}

TEST_CASE("a device replay gives the same run: prioritised, Double, n-step, several environments, clipping") {
  TrainConfig config = short_training();
  config.prioritized = true;
  config.double_dqn = true;
  config.dueling = true;
  config.n_step = 3;
  config.num_envs = 3;
  config.max_grad_norm = 1;
  config.buffer_size = 121;
  check_same_run(config);
}

TEST_CASE("a device replay gives the same run: observations as bytes, several gradient steps at once") {
  TrainConfig config = short_training();
  config.env.id = "FrozenLake-v1";
  config.gradient_steps = 2;
  config.train_frequency = 1;
  config.buffer_size = 20;
  config.total_timesteps = 200;
  check_same_run(config);
}

TEST_CASE("settings that need the host's memory get it: normalised observations, no replay") {
  TrainConfig config = short_training();
  config.normalize_observation = true;
  check_same_run(config);
  config = short_training();
  config.replay = false;
  check_same_run(config);
}

/// An agent of one environment with a network of one layer.
struct DeviceRig {
  explicit DeviceRig(bool prioritized, Index max_batch = 4)
      : network("dense 2", {1}),
        agent(device_agent(
            backend, ops, network, ReplayRing(8, 1, 1, 0.9), options(max_batch),
            {.prioritized = prioritized, .priorities = {.alpha = 1, .epsilon = 0.5}, .seed = 3})) {}
  static LearnerOptions options(Index max_batch) {
    LearnerOptions o;
    o.max_batch = max_batch;
    o.optimizer = SgdOptions{};
    return o;
  }
  void step(float observation, float reward = 1, bool terminated = false) {
    agent.add(0, 0, reward, terminated, false, {&observation, 1});
  }
  void begin(float observation) { agent.begin_episode(0, {&observation, 1}); }
  void learn() { agent.learn({.number = number++, .timestep = 0, .learning_rate = 0.01F, .beta = 1}); }

  ReferenceBackend<float> backend;
  HostReplayOps ops;
  Network network;
  Agent agent;
  std::uint64_t number = 0;
};

TEST_CASE("priorities in the backend's memory follow additions, evictions and TD errors") {
  DeviceRig rig(true);
  rig.begin(0);
  CHECK(!rig.agent.learn({}));
  for (int t = 1; t < 20; ++t) {  // two and a half times round the ring, with episodes of five steps
    rig.step(static_cast<float>(t), 1, t % 5 == 0);
    if (t % 5 == 0) rig.begin(static_cast<float>(-t));
    rig.learn();
    // Every weight is that of a sampleable slot, and every inner node the sum of its children.
    const std::span<const double> nodes = dynamic_cast<const DeviceReplay&>(rig.agent.replay()).tree().host();
    REQUIRE(nodes.size() == 16);
    for (std::size_t i = 1; i < 8; ++i) CHECK(nodes[i] == nodes[2 * i] + nodes[2 * i + 1]);
    CHECK(nodes[1] > 0);
  }
}

TEST_CASE("a summary is of the steps since the last one; there is none without steps") {
  DeviceRig rig(false, 1);
  CHECK(std::isnan(rig.agent.take_summary().loss));
  CHECK(std::isnan(rig.agent.last_loss()));
  rig.begin(0);
  rig.step(0, 1, true);
  rig.learn();
  CHECK(rig.agent.take_summary().loss == rig.agent.last_loss());
  CHECK(std::isnan(rig.agent.take_summary().loss));
}

TEST_CASE("what does not fit a device replay is refused") {
  DeviceRig rig(false);
  const std::vector<float> two(2);
  CHECK(error_message([&] { rig.agent.begin_episode(0, two); }) ==
        "an observation of 2 elements, the replay's have 1");
  std::vector<float> q(2);
  CHECK(error_message([&] { rig.agent.q_values(q, two, 1); }).starts_with("q_values of 1 observations"));
  RunningNormalizer normalizer(1);
  LearnerOptions options = DeviceRig::options(1);
  options.normalizer = &normalizer;
  CHECK(error_message([&] {
          device_agent(rig.backend, rig.ops, rig.network, ReplayRing(8, 1, 1, 0.9), options, {});
        }) == "observations that are normalised are kept in host memory, not in the backend's");
}

TEST_CASE("steps, acting and learning with a device replay allocate nothing") {
  for (const bool prioritized : {false, true}) {
    DeviceRig rig(prioritized);
    rig.begin(0);
    std::int32_t action = 0;
    const float observation = 0.5F;
    const auto round = [&](int t) {
      rig.step(0.25F, 1, t % 5 == 0);
      if (t % 5 == 0) rig.begin(0);
      rig.agent.act({&action, 1}, {&observation, 1}, {.seed = 1, .round = 1, .epsilon = 0});
      rig.learn();
    };
    for (int t = 1; t <= 10; ++t) round(t);
    const std::size_t before = test::allocations();
    for (int t = 1; t <= 50; ++t) round(t);
    CHECK(test::allocations() == before);
  }
}

}  // namespace
}  // namespace bellman
