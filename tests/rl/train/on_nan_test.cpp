// A run with non-finite numbers from its environment or its learner: it ends and says where, or skips the
// step and counts it.
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"
#include "tests/support/training/meddled_env.h"

namespace bellman {
namespace {

using test::contains;
using test::error_message;
using test::Meddling;

TrainConfig nan_training() {
  TrainConfig config;
  config.total_timesteps = 300;
  config.network = "dense 12, relu, dense 8, tanh";
  config.buffer_size = 120;
  config.learning_starts = 40;
  config.train_frequency = 2;
  config.batch_size = 8;
  config.target_network_frequency = 70;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.log_frequency = 1000;
  return config;
}

/// f(backend, ops) for each place a replay can be in.
void for_each_place(const std::function<void(Backend&, ReplayOps*)>& f) {
  const auto run = [&](const std::string& name, Backend& backend, ReplayOps* ops) {
    INFO("replay: ", name);
    f(backend, ops);
  };
  CpuBackend cpu;
  ReferenceBackend<float> reference;
  HostReplayOps ops;
  run("host", cpu, nullptr);
  run("host, reference", reference, nullptr);
  run("device replay, host memory", reference, &ops);
  for (const std::unique_ptr<DeviceBackend>& device : test::device_backends())
    run(std::string("device replay, ") + device->name(), *device, &device->replay_ops());
}

/// Element 2 of the observation after `step` of the environment `instance`.
Meddling bad_observation(Index instance, Index step, float value) {
  Meddling meddling;
  meddling.with_observation = [=](Index i, Index t, std::span<float> seen) {
    if (i == instance && t == step) seen[2] = value;
  };
  return meddling;
}
Meddling bad_reward(Index instance, Index step, float value) {
  Meddling meddling;
  meddling.with_step = [=](Index i, Index t, StepResult& result) {
    if (i == instance && t == step) result.reward = value;
  };
  return meddling;
}

TEST_CASE("stop: the environment, the step and the number are named, and the sinks are flushed") {
  for_each_place([](Backend& backend, ReplayOps* ops) {
    TrainConfig config = nan_training();
    config.num_envs = 2;
    const auto message = [&](const Meddling& meddling) {
      Trainer trainer(config, backend, {test::meddled_env(config.env, meddling), {}, ops});
      test::RecordingSink sink;
      trainer.add_sink(sink);
      const std::string text = error_message([&] { trainer.run(); });
      CHECK(sink.flushes > 0);
      return text;
    };
    for (const float bad : {test::kNanF, test::kInfinityF, -test::kInfinityF}) {
      const std::string observation = message(bad_observation(1, 50, bad));
      CHECK(observation.starts_with("environment 1 (CartPole-v1), step "));
      CHECK(contains(observation,
                     " of its episode, at environment step 100: element 2 of the observation is "));
      const std::string reward = message(bad_reward(0, 50, bad));
      CHECK(reward.starts_with("environment 0 (CartPole-v1), step "));
      CHECK(contains(reward, " of its episode, at environment step 99: the reward is "));
    }
    config.reward_clip = 1;  // hides nothing
    CHECK(contains(message(bad_reward(0, 50, test::kInfinityF)), "the reward is inf"));
    config.reward_clip = 0;
    config.reward_scale = 1e20;
    config.learning_starts = 1000;
    CHECK(contains(message(bad_reward(0, 50, 1e30F)), "the reward is 1e+30, times reward_scale inf"));
    config.on_nan = OnNan::kSkip;  // nothing can follow a reset that shows nothing
    CHECK(contains(message(bad_observation(0, 0, test::kNanF)),
                   "at environment step 0: element 2 of the first observation of an episode is nan"));
  });
}

TEST_CASE("skip: the step is counted and its episode restarts; nothing of it is learnt from") {
  for_each_place([&](Backend& backend, ReplayOps* ops) {
    TrainConfig config = nan_training();
    config.on_nan = OnNan::kSkip;
    config.n_step = 3;
    Meddling meddling;
    meddling.with_observation = [](Index i, Index t, std::span<float> seen) {
      if (i == 0 && t % 37 == 5) seen[1] = test::kNanF;
    };
    meddling.with_step = [](Index i, Index t, StepResult& result) {
      if (i == 0 && t % 41 == 7) result.reward = -test::kInfinityF;
    };
    Trainer trainer(config, backend, {test::meddled_env(config.env, meddling), {}, ops});
    test::RecordingSink sink;
    trainer.add_sink(sink);
    const TrainResult result = trainer.run();
    CHECK(result.skipped_steps == 16);  // 5, 42, .. 264 and 7, 48, .. 294
    CHECK(result.skipped_updates == 0);
    CHECK(result.timesteps == 300);
    CHECK(sink.column("rollout/skipped_steps").back() == static_cast<double>(result.skipped_steps));
    for (const EpisodeRecord& episode : sink.episodes) CHECK(std::isfinite(episode.episode_return));
    CHECK(std::isfinite(sink.column("train/loss").back()));
  });
}

TEST_CASE("what a skipped step was about is not stored: the replay goes from episode to episode") {
  TrainConfig config = test::bare_config(12);
  config.on_nan = OnNan::kSkip;
  test::RecordedRun run(test::scripted_env(2, [](const RandomStream& stream, Index t, int) {
    StepResult result{.reward = static_cast<float>(t)};
    if (stream.purpose == Purpose::kEnvironment && t == 4) result.reward = test::kNanF;
    result.terminated = stream.purpose != Purpose::kEnvironment && t == 3;
    return result;
  }));
  const TrainResult result = run.run(config);
  CHECK(result.skipped_steps == 3);
  CHECK(run.sink.episodes.empty());  // none came to an end of its own
  for (const auto& batch : run.record.batches)
    for (const auto& sample : batch) {
      CHECK(sample.reward < 4);
      CHECK(sample.terminated == 0);
      CHECK(sample.next_observation[1] == sample.observation[1]);  // of the same episode
      CHECK(sample.next_observation[2] == sample.observation[2] + 1);
    }
}

/// Numbers go wrong in the environment, and rewards whose squares overflow in the learning.
Meddling trouble() {
  Meddling meddling;
  meddling.counts_in_state = true;
  meddling.with_observation = [](Index i, Index t, std::span<float> seen) {
    if (i < 2 && t % 37 == 5) seen[1] = test::kNanF;
  };
  meddling.with_step = [](Index i, Index t, StepResult& result) {
    if (i < 2 && t % 53 == 7) result.reward = 1e30F;
  };
  return meddling;
}

TEST_CASE("skip: updates are counted in rows and results, the same for every place of the replay") {
  std::vector<std::vector<double>> skipped;
  for_each_place([&](Backend& backend, ReplayOps* ops) {
    TrainConfig config = nan_training();
    config.on_nan = OnNan::kSkip;
    config.num_envs = 2;
    config.log_frequency = 50;
    Trainer trainer(config, backend, {test::meddled_env(config.env, trouble()), {}, ops});
    test::RecordingSink sink;
    trainer.add_sink(sink);
    const TrainResult result = trainer.run();
    CHECK(result.skipped_updates > 0);
    CHECK(result.skipped_updates < result.gradient_updates);
    skipped.push_back(sink.column("train/skipped_updates"));
    CHECK(skipped.back().back() == static_cast<double>(result.skipped_updates));
    for (const float p : trainer.kept_parameters()) CHECK(std::isfinite(p));
  });
  CHECK(skipped[1] == skipped[2]);  // of one backend
}

TEST_CASE("skip: a run that is killed and resumed ends with the same bits and the same counts") {
  for_each_place([](Backend& backend, ReplayOps* ops) {
    for (const bool prioritized : {false, true}) {
      TrainConfig config = nan_training();
      config.on_nan = OnNan::kSkip;
      config.num_envs = 2;
      config.n_step = 2;
      config.prioritized = prioritized;
      const auto run = [&](const TensorFile* from, std::vector<TensorFile>* states) {
        Trainer trainer(config, backend, {test::meddled_env(config.env, trouble()), {}, ops});
        if (from) trainer.load(StateReader(*from, "F"));
        TensorFile last;
        SavedState saved;  // of which a save renews what has changed: an episode's restart, too
        trainer.set_checkpoint_hook(70, [&](Index) {
          last = test::state_of(trainer);
          trainer.save(*std::make_unique<StateWriter>(saved));
          TensorFile kept;
          FileSink sink(kept);
          saved.hand_over(sink);
          for (const FileTensor& tensor : last.tensors)
            if (!tensor.name.starts_with("time.")) CHECK(kept.find(tensor.name)->bytes == tensor.bytes);
          if (states) states->push_back(last);
        });
        CHECK(trainer.run().skipped_updates > 0);
        return last;
      };
      std::vector<TensorFile> states;
      const TensorFile whole = run(nullptr, &states);
      REQUIRE(states.size() > 4);
      for (std::size_t i = 1; i + 1 < states.size(); ++i) {
        const TensorFile rest = run(&states[i], nullptr);
        for (const FileTensor& tensor : whole.tensors) {
          CAPTURE(i);
          CAPTURE(tensor.name);
          if (!tensor.name.starts_with("time.")) CHECK(rest.find(tensor.name)->bytes == tensor.bytes);
        }
      }
    }
  });
}

TEST_CASE("stop: no checkpoint holds what went wrong, and the last one of before loads") {
  for_each_place([](Backend& backend, ReplayOps* ops) {
    TrainConfig config = nan_training();
    const Meddling meddling = bad_reward(0, 75, 1e30F);
    Trainer trainer(config, backend, {test::meddled_env(config.env, meddling), {}, ops});
    std::vector<TensorFile> states;
    trainer.set_checkpoint_hook(10, [&](Index) { states.push_back(test::state_of(trainer)); });
    const std::string message = error_message([&] { trainer.run(); });
    CHECK(contains(message, "a loss is not finite: the loss is inf; sample "));
    CHECK(contains(message, "reward 1e+30"));
    CHECK(contains(message, "at environment step "));
    REQUIRE(!states.empty());
    CHECK(states.size() < 30);
    TrainConfig other = config;
    other.on_nan = OnNan::kSkip;
    Trainer resumed(other, backend, {test::meddled_env(config.env, meddling), {}, ops});
    resumed.load(StateReader(states.back(), "F"));
    CHECK(resumed.run().skipped_updates > 0);
  });
}

TEST_CASE("an evaluation whose environment goes wrong stops the run, or ends that episode before the step") {
  for (const bool observation : {false, true}) {
    TrainConfig config = nan_training();
    config.eval_frequency = 100;
    config.eval_episodes = 2;
    const Meddling meddling =
        observation ? bad_observation(2, 3, test::kNanF) : bad_reward(2, 3, test::kInfinityF);
    CpuBackend backend;
    Trainer stops(config, backend, {test::meddled_env(config.env, meddling), {}});
    const std::string message = error_message([&] { stops.run(); });
    CHECK(message == std::string("evaluation episode 1: a number of the ") +
                         (observation ? "observation" : "reward") + " after step 3 is NaN or infinite");
    config.on_nan = OnNan::kSkip;
    Trainer skips(config, backend, {test::meddled_env(config.env, meddling), {}});
    CHECK(std::isfinite(skips.run().eval.mean));
  }
}

TEST_CASE("a state with a number that is not finite is refused by name, and the trainer is as it was made") {
  for_each_place([](Backend& backend, ReplayOps* ops) {
    TrainConfig config = nan_training();
    config.total_timesteps = 100;
    config.eval_frequency = 25;  // parameters are kept
    config.eval_episodes = 1;
    Trainer source(config, backend, {{}, {}, ops});
    TensorFile state, whole;
    source.set_checkpoint_hook(
        50, [&](Index timestep) { (timestep == 50 ? state : whole) = test::state_of(source); });
    source.run();
    for (const char* name :
         {"network.online", "network.target", "optimizer.m", "optimizer.v", "kept.parameters",
          "replay.observations", "envs.observations", "replay.rewards"}) {
      CAPTURE(name);
      TensorFile bad = state;
      for (FileTensor& tensor : bad.tensors)
        if (tensor.name == name)
          std::memcpy(tensor.bytes.data() + 3 * sizeof(float), &test::kNanF, sizeof test::kNanF);
      Trainer trainer(config, backend, {{}, {}, ops});
      int checkpoints = 0;
      TensorFile last;
      trainer.set_checkpoint_hook(50, [&](Index) {
        ++checkpoints;
        last = test::state_of(trainer);
      });
      const std::string message = error_message([&] { trainer.load(StateReader(bad, "F")); });
      CAPTURE(message);
      CHECK(message.starts_with("F: "));
      CHECK(contains(message, name));
      CHECK(contains(message, "nan"));
      CHECK(contains(message, "3"));
      trainer.run();
      CHECK(checkpoints > 0);
      for (const FileTensor& tensor : whole.tensors) {
        CAPTURE(tensor.name);
        if (!tensor.name.starts_with("time.")) CHECK(last.find(tensor.name)->bytes == tensor.bytes);
      }
    }
  });
}

}  // namespace
}  // namespace bellman
