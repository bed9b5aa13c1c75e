// Training on stacks of frames: the replay that keeps each frame once, against one that keeps whole stacks.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "envs/frame_stack.h"
#include "rl/population/agent_run.h"
#include "rl/train/from_config.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

struct Outcome {
  std::vector<float> parameters;
  std::vector<double> losses, returns;
  std::size_t stored = 0;  // bytes of observations in a checkpoint

  bool same_run(const Outcome& other) const {
    return parameters == other.parameters && losses == other.losses && returns == other.returns;
  }
};

Outcome train(const TrainConfig& config, const TrainerParts& parts = {}) {
  CpuBackend backend;
  Trainer trainer(config, backend, parts);
  RecordingSink sink;
  trainer.add_sink(sink);
  trainer.run();
  Outcome outcome;
  outcome.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  outcome.losses = sink.column("train/loss");
  for (const EpisodeRecord& episode : sink.episodes) outcome.returns.push_back(episode.episode_return);
  for (const FileTensor& tensor : state_of(trainer).tensors)
    if (tensor.name == "replay.observations") outcome.stored = tensor.bytes.size();
  return outcome;
}

TrainConfig stacked_training(const std::string& id) {
  TrainConfig config = short_training();
  config.env.id = id;
  config.env.frame_stack = 4;
  config.buffer_size = 2000;  // never full: which slots are next to be overwritten makes no difference
  config.n_step = 3;
  config.num_envs = 2;
  return config;
}

TEST_CASE("a run whose replay keeps each frame once has the bits of one that keeps whole stacks") {
  for (const char* const id : {"CartPole-v1", "FrozenLake-v1"})  // floats; bytes
    for (const LearnerKind learner : {LearnerKind::kFused, LearnerKind::kOpByOp})
      for (const bool prioritized : {false, true})
        for (const bool normalized : {false, true}) {
          CAPTURE(id);
          TrainConfig config = stacked_training(id), whole = config;
          for (TrainConfig* const each : {&config, &whole}) {
            each->learner = learner;
            each->prioritized = prioritized;
            each->normalize_observation = normalized;
          }
          // The environment shows stacks; the run's settings have none.
          whole.env.frame_stack = 1;
          const Outcome once = train(config),
                        often = train(whole, {.make_env = frame_stacked(env_factory(whole.env), 4)});
          CHECK(once.same_run(often));
          CHECK(once.losses.size() >= 4);
          CHECK(once.stored * 4 == often.stored);
        }
}

TEST_CASE("a brought environment is stacked, too") {
  TrainConfig config = stacked_training("CartPole-v1"), brought = config;
  CHECK(train(config).same_run(train(brought, {.make_env = env_factory(EnvOptions{})})));
}

TEST_CASE("with a stack the replay stays in host memory, and no population takes the run") {
  TrainConfig config = stacked_training("CartPole-v1");
  HostReplayOps ops;
  CHECK_FALSE(uses_device_replay(config, {.replay_ops = &ops}));
  CHECK(contains(agent_run_unsupported_reason(config), "frame_stack is above 1"));
  config.env.frame_stack = 1;
  CHECK(uses_device_replay(config, {.replay_ops = &ops}));
  CHECK(agent_run_unsupported_reason(config).empty());
}

TEST_CASE("a replay too small for a window and its stack is refused for that") {
  TrainConfig config = stacked_training("CartPole-v1");
  config.buffer_size = 12;
  CHECK(contains(
      error_message([&] { train(config); }),
      "gives each of 2 environments 6, but returns of 3 steps with a frame_stack of 4 need at least 7"));
  config.buffer_size = 14;
  config.total_timesteps = 100;
  train(config);
}

TEST_CASE("without a replay the newest stacks are learnt from") {
  TrainConfig config = stacked_training("CartPole-v1"), whole = config;
  whole.replay = config.replay = false;
  whole.env.frame_stack = 1;
  CHECK(train(config).same_run(train(whole, {.make_env = frame_stacked(env_factory(whole.env), 4)})));
}

TEST_CASE("a million frames of Atari in stacks of four fit into 7.2 GB, as the run's estimate says") {
  TrainConfig config;
  config.env.frame_stack = 4;
  config.buffer_size = 1'000'000;
  config.network = "conv 32 8x8 stride 4, relu, flatten, dense 512, relu";
  EnvSpec spec;
  spec.observation_shape = {4, 84, 84};
  spec.num_actions = 6;
  spec.frame_stack = 4;
  spec.byte_observations = true;
  CpuBackend backend;
  for (const bool prioritized : {false, true}) {
    config.prioritized = prioritized;
    const RunMemory memory = run_memory(config, spec, q_network(config, spec), backend,
                                        /*device_replay=*/false, /*records=*/false);
    CHECK(memory.replay > 7'056'000'000);
    CHECK(memory.replay <= 7'200'000'000);
  }
}

}  // namespace
}  // namespace bellman::test
