// Training over ranks, threads in place of MPI: against one rank, against itself, and across a save.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "cuda/backend/make_cuda_backend.h"
#include "rl/ranks/rank_states.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"
#include "tests/support/training/short_training.h"

namespace bellman::test {
namespace {

/// What a run came to, on one rank or as all ranks have it.
struct Outcome {
  std::vector<float> parameters;
  std::vector<double> losses, mean_q, returns;
  std::vector<Index> ends;  // environment steps, of each episode
  TensorFile state;         // as one rank's
  TensorFile midway;        // after 300 steps
  TrainResult result;
};

/// How ranks go through a run.
struct Course {
  int ranks = 1;                          // 1: without any
  const TensorFile* from = nullptr;       // continues from it
  bool on_simt = false;                   // the executor's kernels, in memory of a device
  std::optional<int> asked_to_stop = {};  // this rank, from the beginning
};

/// What a rank trains with. It lives until all ranks are done: memory of the executor is released while no other thread uses a
/// stream (cuda/base/runtime.h).
struct RankParts {
  CpuBackend cpu;
  std::unique_ptr<DeviceBackend> simt;
  std::unique_ptr<Trainer> trainer;
};

/// `state` is this rank's alone.
Outcome run_rank(RankParts& own, const TrainConfig& config, Ranks* ranks, const Course& course) {
  TrainerParts parts;
  parts.ranks = ranks;
  if (course.on_simt) {
    own.simt = make_simt_backend();
    parts.rank_ops = &own.simt->rank_ops();
  }
  own.trainer =
      std::make_unique<Trainer>(config, own.simt ? static_cast<Backend&>(*own.simt) : own.cpu, parts);
  Trainer& trainer = *own.trainer;
  if (course.from) trainer.load(StateReader(*course.from, "F"));
  RecordingSink sink;
  trainer.add_sink(sink);
  Outcome outcome;
  trainer.set_checkpoint_hook(300, [&](Index timestep) {
    if (timestep == 300) outcome.midway = state_of(trainer);
  });
  const std::atomic<bool> stop = ranks && course.asked_to_stop == ranks->rank();
  outcome.result = trainer.run(&stop);
  outcome.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  outcome.losses = sink.column("train/loss");
  outcome.mean_q = sink.column("train/mean_q");
  for (const EpisodeRecord& episode : sink.episodes) {
    outcome.returns.push_back(episode.episode_return);
    outcome.ends.push_back(episode.timestep);
  }
  outcome.state = state_of(trainer);
  return outcome;
}

/// The part of a state that other ranks do not have.
TensorFile own_part(const TensorFile& state) {
  TensorFile part;
  for (const FileTensor& tensor : state.tensors)
    if (is_dealt_out(tensor.name)) part.tensors.push_back(tensor);
  return part;
}

/// NaN, of a row before learning began, equals NaN.
bool same_numbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b,
                            [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

bool is_time(const FileTensor& tensor) { return tensor.name.starts_with("time."); }

void check_same_state(const TensorFile& a, const TensorFile& b) {
  CHECK(a.tensors.size() == b.tensors.size());
  for (const FileTensor& tensor : a.tensors) {
    CAPTURE(tensor.name);
    const FileTensor* const other = b.find(tensor.name);
    REQUIRE(other != nullptr);
    if (!is_time(tensor)) CHECK(tensor.bytes == other->bytes);
  }
}

/// All ranks tell the same of the run; it is told here once.
Outcome run(const TrainConfig& config, const Course& course) {
  std::vector<RankParts> parts(static_cast<std::size_t>(course.ranks));
  if (course.ranks == 1) return run_rank(parts.front(), config, nullptr, course);
  std::vector<Outcome> outcomes(parts.size());
  on_thread_ranks(course.ranks, [&](Ranks& ranks) {
    const auto r = static_cast<std::size_t>(ranks.rank());
    outcomes[r] = run_rank(parts[r], config, &ranks, course);
  });
  Outcome& first = outcomes.front();
  for (std::size_t r = 1; r < outcomes.size(); ++r) {
    CAPTURE(r);
    CHECK(outcomes[r].parameters == first.parameters);
    CHECK(same_numbers(outcomes[r].losses, first.losses));
    CHECK(same_numbers(outcomes[r].mean_q, first.mean_q));
    CHECK(outcomes[r].returns == first.returns);
    for (const FileTensor& tensor : first.state.tensors) {
      if (is_time(tensor) || is_dealt_out(tensor.name)) continue;
      CAPTURE(tensor.name);
      const FileTensor* const other = outcomes[r].state.find(tensor.name);
      REQUIRE(other != nullptr);
      CHECK(tensor.bytes == other->bytes);
    }
    append_part(first.state, own_part(outcomes[r].state), "rank " + std::to_string(r));
    append_part(first.midway, own_part(outcomes[r].midway), "rank " + std::to_string(r));
  }
  return first;
}

TrainConfig ranked_training() {
  TrainConfig config = short_training();
  config.num_envs = 6;
  config.total_timesteps = 600;
  config.buffer_size = 300;  // is overwritten once
  config.batch_size = 18;    // of 4 ranks two have a transition more
  config.eval_frequency = 300;
  config.eval_episodes = 3;
  return config;
}

struct Case {
  const char* name;
  void (*change)(TrainConfig& config);
};

const Case kCases[] = {
    {"uniform, fused", [](TrainConfig&) {}},
    {"uniform, op by op", [](TrainConfig& config) { config.learner = LearnerKind::kOpByOp; }},
    {"prioritised, 3 steps",
     [](TrainConfig& config) {
       config.prioritized = true;
       config.n_step = 3;
     }},
    {"stacks of 3 frames, double, dueling",
     [](TrainConfig& config) {
       config.env.frame_stack = 3;
       config.double_dqn = config.dueling = true;
       config.prioritized = true;
     }},
    {"bytes in stacks, op by op, clipped gradients",
     [](TrainConfig& config) {
       config.env.id = "FrozenLake-v1";
       config.env.frame_stack = 2;
       config.learner = LearnerKind::kOpByOp;
       config.max_grad_norm = 0.5;
       config.eval_frequency = 0;
     }},
};

/// Rounding alone parts one rank from several. A step's gradient is a sum of at most 18 terms an element, split in
/// another way: a relative difference of about 18 2^-24 in it, which Adam's quotient m / sqrt(v) passes on and 300
/// steps of a rate of 1e-3 sum up.
constexpr double kRounding = 18 * 0x1p-24;
constexpr double kParameterBound = 300 * 1e-3 * 16 * kRounding;

TEST_CASE("several ranks make the run of one: the same steps and draws, parameters up to rounding") {
  for (const Case& each : kCases)
    for (const int ranks : {2, 4}) {
      CAPTURE(each.name);
      CAPTURE(ranks);
      TrainConfig config = ranked_training();
      each.change(config);
      const Outcome alone = run(config, {}), together = run(config, {.ranks = ranks});
      CHECK(together.returns == alone.returns);
      CHECK(together.ends == alone.ends);
      CHECK(together.result.gradient_updates == alone.result.gradient_updates);
      REQUIRE(together.losses.size() == alone.losses.size());
      REQUIRE(alone.losses.size() >= 4);
      for (std::size_t i = 0; i < alone.losses.size(); ++i) {
        if (std::isnan(alone.losses[i])) continue;  // before learning starts
        CHECK(std::abs(together.losses[i] - alone.losses[i]) <= 1000 * kRounding * std::abs(alone.losses[i]));
        CHECK(std::abs(together.mean_q[i] - alone.mean_q[i]) <=
              1000 * kRounding * std::abs(alone.mean_q[i]) + 1e-6);
      }
      double largest = 0;
      REQUIRE(together.parameters.size() == alone.parameters.size());
      for (std::size_t i = 0; i < alone.parameters.size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(together.parameters[i]) -
                                             static_cast<double>(alone.parameters[i])));
      CHECK(largest <= kParameterBound);
      CHECK(largest > 0);  // they did sum in another order
      // What was seen and drawn, to the bit.
      for (const char* const name :
           {"replay.observations", "replay.kinds", "replay.actions", "replay.rewards", "envs.observations"}) {
        CAPTURE(name);
        CHECK(together.state.find(name)->bytes == alone.state.find(name)->bytes);
      }
      if (!config.prioritized)
        CHECK(together.state.find("sampler.slots")->bytes == alone.state.find("sampler.slots")->bytes);
    }
}

TEST_CASE(
    "the same number of ranks gives the same bits, across a save, too, and a state any number of ranks "
    "takes") {
  for (const Case& each : kCases) {
    CAPTURE(each.name);
    TrainConfig config = ranked_training();
    each.change(config);
    const Outcome whole = run(config, {.ranks = 3});
    check_same_state(run(config, {.ranks = 3}).state, whole.state);

    const Outcome resumed = run(config, {.ranks = 3, .from = &whole.midway});
    check_same_state(resumed.state, whole.state);
    CHECK(resumed.parameters == whole.parameters);

    for (const int ranks : {1, 2}) {
      const Outcome other = run(config, {.ranks = ranks, .from = &whole.midway});
      CHECK(other.state.find("replay.observations")->bytes == whole.state.find("replay.observations")->bytes);
      CHECK(other.state.find("replay.actions")->bytes == whole.state.find("replay.actions")->bytes);
    }
  }
}

TEST_CASE("ranks whose networks lie in a device's memory make the same run up to rounding") {
  TrainConfig config = ranked_training();
  config.total_timesteps = 150;
  config.eval_frequency = 0;
  config.learner = LearnerKind::kOpByOp;
  config.max_grad_norm = 0.5;
  const Outcome alone = run(config, {.on_simt = true}), together = run(config, {.ranks = 2, .on_simt = true});
  CHECK(together.ends == alone.ends);
  CHECK(together.state.find("replay.actions")->bytes == alone.state.find("replay.actions")->bytes);
  double largest = 0;
  for (std::size_t i = 0; i < alone.parameters.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(together.parameters[i]) -
                                         static_cast<double>(alone.parameters[i])));
  CHECK(largest <= kParameterBound);
  CHECK(largest > 0);
}

TEST_CASE("one rank that is asked to stop ends all, after the same step") {
  for (const int asked : {0, 1, 2}) {
    const Outcome outcome = run(ranked_training(), {.ranks = 3, .asked_to_stop = asked});
    CHECK(outcome.result.interrupted);
    CHECK(outcome.result.timesteps == 6);  // what a rank knows is told with the first step
  }
}

TEST_CASE("what ranks cannot train is refused before anything is built") {
  const auto refusal = [](void (*change)(TrainConfig&), int ranks = 2) {
    return error_message([&] {
      TrainConfig config = ranked_training();
      change(config);
      run(config, {.ranks = ranks});
    });
  };
  CHECK(refusal([](TrainConfig& config) { config.num_envs = 1; }) ==
        "num_envs is 1, fewer than the 2 ranks: each needs an environment. Set it to 2 or more");
  CHECK(
      refusal([](TrainConfig& config) { config.batch_size = 3; }, 4) ==
      "batch_size is 3, fewer than the 4 ranks: each learns from a transition at least. Set it to 4 or more");
  CHECK(refusal([](TrainConfig& config) { config.replay = false; }) ==
        "several ranks cannot train this: replay is false: ranks learn from a replay that they share");
  CHECK(refusal([](TrainConfig& config) { config.normalize_observation = true; }) ==
        "several ranks cannot train this: normalize_observation is true: its statistics are of all "
        "observations, and "
        "each rank sees its own");
}

}  // namespace
}  // namespace bellman::test
