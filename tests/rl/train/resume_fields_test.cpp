// A run that is resumed from odd moments, and what each tensor of a checkpoint is for: with the value that a new
// run has in its place, as if it had not been saved or loaded, the run is refused or becomes another.
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/train/settings_change.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_run.h"
#include "tests/support/backends.h"
#include "tests/support/training/meddled_env.h"

namespace bellman {
namespace {

/// A run and the moment of its checkpoint.
struct Moment {
  std::string name;
  TrainConfig config;
  Index timestep = 0;
  Index total = 0;                    // of the resumed run
  test::Meddling meddling = {};       // with its environments; none: the settings' own
  bool cuts_evaluation = false;       // the moment is a stop within the evaluation at that step
  std::optional<TrainConfig> change;  // the settings that it is resumed with
};

/// What a resumed run leaves: numbers that no part could change unseen.
struct Outcome {
  std::vector<FileTensor> state;
  std::vector<double> numbers;
  bool operator==(const Outcome& other) const {
    if (state.size() != other.state.size()) return false;
    for (std::size_t i = 0; i < state.size(); ++i)
      if (state[i].name != other.state[i].name || state[i].bytes != other.state[i].bytes) return false;
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };  // NaN too
    return std::ranges::equal(numbers, other.numbers, {}, bits, bits);
  }
};

/// Where a test's runs are trained.
struct Place {
  Backend& backend;
  ReplayOps* replay_ops = nullptr;

  TrainerParts parts(const Moment& moment) const {
    TrainerParts parts;
    parts.replay_ops = replay_ops;
    if (moment.meddling.with_step) parts.make_env = test::meddled_env(moment.config.env, moment.meddling);
    return parts;
  }
};

/// The state at the moment.
TensorFile checkpoint_of(const Moment& moment, const Place& place) {
  Moment played = moment;
  std::atomic<bool> stop = false;
  if (moment.cuts_evaluation)
    played.meddling.with_step = [&](Index instance, Index step, StepResult&) {
      if (instance >= moment.config.num_envs && step == 2) stop = true;
    };
  Trainer trainer(moment.config, place.backend, place.parts(played));
  TensorFile state;
  trainer.set_checkpoint_hook(1, [&](Index timestep) {
    if (timestep != moment.timestep) return;
    state = test::state_of(trainer);
    stop = true;
  });
  trainer.run(&stop);
  REQUIRE(!state.tensors.empty());
  REQUIRE((StateReader(state, "").count("trainer.evaluation_is_due") == 1) == moment.cuts_evaluation);
  if (moment.change) change_settings(state, moment.config, *moment.change);
  return state;
}

TrainConfig config_after(const Moment& moment) {
  TrainConfig config = moment.change.value_or(moment.config);
  config.total_timesteps = moment.total;
  return config;
}

/// Nothing when the state is refused, by Error alone.
std::optional<Outcome> resumed(const Moment& moment, const Place& place, const TensorFile& from) {
  Trainer trainer(config_after(moment), place.backend, place.parts(moment));
  test::RecordingSink sink;
  trainer.add_sink(sink);
  Outcome outcome;
  TensorFile last;
  trainer.set_checkpoint_hook(0, [&](Index) { last = test::state_of(trainer); });
  TrainResult result;
  try {
    trainer.load(StateReader(from, "F"));
    result = trainer.run();
  } catch (const Error&) {
    return std::nullopt;
  }
  for (const FileTensor& tensor : last.tensors)
    if (!tensor.name.starts_with("time.")) outcome.state.push_back(tensor);
  for (const EpisodeRecord& e : sink.episodes)
    outcome.numbers.insert(outcome.numbers.end(), {e.episode_return, static_cast<double>(e.length),
                                                   static_cast<double>(e.timestep)});
  for (const auto& row : sink.rows)
    for (const Scalar& scalar : row)
      if (!scalar.name.starts_with("time/")) outcome.numbers.push_back(scalar.value);
  outcome.numbers.insert(
      outcome.numbers.end(),
      {static_cast<double>(result.solved_at_timestep.value_or(-1)),
       static_cast<double>(result.model_timestep), static_cast<double>(result.skipped_steps),
       static_cast<double>(result.skipped_updates), result.eval.mean, result.eval.mean_length});
  return outcome;
}

TrainConfig small_run() {
  TrainConfig config;
  config.total_timesteps = 240;
  config.network = "dense 5, tanh";
  config.buffer_size = 60;
  config.learning_starts = 20;
  config.train_frequency = 2;
  config.batch_size = 4;
  config.target_network_frequency = 70;
  config.eval_frequency = 64;
  config.eval_episodes = 2;
  config.final_eval_episodes = 2;
  config.solve_confirm_episodes = 0;
  config.log_frequency = 48;
  return config;
}

std::vector<Moment> moments(bool on_host) {
  std::vector<Moment> all;
  all.push_back({.name = "uniform, between rows", .config = small_run(), .timestep = 150, .total = 240});

  TrainConfig quiet = small_run();  // nothing that is due is done in the rest of it
  quiet.total_timesteps = 213;
  quiet.train_frequency = 100;
  quiet.eval_frequency = 101;
  quiet.log_frequency = 140;
  quiet.target_network_frequency = 140;
  all.push_back({.name = "nothing is due any more", .config = quiet, .timestep = 210, .total = 213});

  TrainConfig several = small_run();
  several.num_envs = 3;
  several.prioritized = several.double_dqn = several.dueling = true;
  several.n_step = 3;
  all.push_back(
      {.name = "priorities, windows, three environments", .config = several, .timestep = 150, .total = 240});

  TrainConfig solved = small_run();
  solved.solved_return = 3;
  all.push_back({.name = "solved", .config = solved, .timestep = 150, .total = 240});
  TrainConfig pending = small_run();
  pending.eval_frequency = 60;
  all.push_back({.name = "a row is pending", .config = pending, .timestep = 240, .total = 290});
  TrainConfig greedy = small_run();
  greedy.start_e = greedy.end_e = 0;
  greedy.num_envs = 8;
  greedy.env.id = "FrozenLake-v1";
  greedy.network = "dense 32, relu";  // hardly changed: each cell has an action of its own
  greedy.initialiser = Initialiser::kHe;
  greedy.learning_rate = 1e-6;
  for (greedy.seed = 1; greedy.seed <= 4; ++greedy.seed)  // actions that happen to be the same prove nothing
    all.push_back({.name = "greedy, eight environments", .config = greedy, .timestep = 152, .total = 240});
  TrainConfig cut = several;
  cut.eval_frequency = 192;
  all.push_back({.name = "within an evaluation",
                 .config = cut,
                 .timestep = 192,
                 .total = 240,
                 .cuts_evaluation = true});

  TrainConfig lake = small_run();  // more than a hundred episodes
  lake.env.id = "FrozenLake-v1";
  lake.total_timesteps = 1400;
  lake.train_frequency = 50;
  lake.eval_frequency = 500;
  all.push_back({.name = "a full window of returns", .config = lake, .timestep = 1350, .total = 1400});
  TrainConfig dry = lake;
  dry.env.slippery = false;
  all.push_back(
      {.name = "other environments", .config = lake, .timestep = 1350, .total = 1400, .change = dry});

  TrainConfig skips = small_run();
  skips.on_nan = OnNan::kSkip;
  test::Meddling wrong;
  wrong.with_step = [](Index instance, Index step, StepResult& result) {
    if (instance == 0 && step == 35) result.reward = std::numeric_limits<float>::quiet_NaN();
    if (instance == 0 && step % 10 == 0) result.reward = 3e38F;  // its squared error is infinite
  };
  wrong.counts_in_state = true;
  all.push_back(
      {.name = "steps were skipped", .config = skips, .timestep = 150, .total = 240, .meddling = wrong});
  if (!on_host) return all;

  TrainConfig normal = small_run();
  normal.normalize_observation = true;
  normal.optimizer = OptimizerKind::kRmsProp;
  normal.rmsprop_centered = true;
  normal.momentum = 0.5;
  all.push_back({.name = "running statistics, RMSprop", .config = normal, .timestep = 150, .total = 240});
  TrainConfig newest = small_run();
  newest.replay = false;
  newest.n_step = 3;
  newest.num_envs = 2;
  all.push_back({.name = "no replay", .config = newest, .timestep = 150, .total = 240});
  return all;
}

void replace(TensorFile& state, const FileTensor& by) {
  for (FileTensor& tensor : state.tensors)
    if (tensor.name == by.name) tensor = by;
}

/// With each tensor's value of a run that begins: every one of them matters at some moment, but those that
/// say nothing here.
void check_fields(const std::vector<Moment>& all, const Place& place, const std::set<std::string>& mute) {
  std::set<std::string> names, noticed;
  int runs = 0;
  for (const Moment& moment : all) {
    CAPTURE(moment.name);
    const TensorFile state = checkpoint_of(moment, place);
    const std::optional<Outcome> reference = resumed(moment, place, state);
    REQUIRE(reference);
    CHECK(resumed(moment, place, state) == reference);
    Trainer beginner(config_after(moment), place.backend, place.parts(moment));
    const TensorFile fresh = test::state_of(beginner);
    for (const FileTensor& tensor : state.tensors) {
      if (tensor.name.starts_with("time.")) continue;
      names.insert(tensor.name);
      const FileTensor* const begun = fresh.find(tensor.name);
      REQUIRE(begun);
      if (begun->bytes == tensor.bytes) continue;
      TensorFile forgotten = state;
      replace(forgotten, *begun);
      ++runs;
      if (resumed(moment, place, forgotten) != reference) noticed.insert(tensor.name);
    }
  }
  for (const std::string& name : names)
    CHECK_MESSAGE(noticed.contains(name) != mute.contains(name), "without " << name);
  MESSAGE(names.size() << " tensors at " << all.size() << " moments, " << runs
                       << " runs without one of them");
}

TEST_CASE("each tensor of a checkpoint matters: the host's agent") {
  CpuBackend backend;
  // Without replay every round learns from all that waits: between two of them nothing does. No moment here
  // lies within a training phase: cut_round_test.cpp has those, and trainer.phase_steps.
  check_fields(moments(true), {backend}, {"sampler.waiting", "trainer.phase_steps"});
}

TEST_CASE("each tensor of a checkpoint matters: a replay in the backend's memory") {
  ReferenceBackend<float> backend;
  HostReplayOps ops;
  // It acts on the replay's observations, and has no running statistics.
  check_fields(moments(false), {backend, &ops},
               {"envs.observations", "kept.mean", "kept.variance", "trainer.phase_steps"});
}

TEST_CASE("a run that is resumed from odd moments has the bits of the run that never stopped") {
  CpuBackend backend;
  const Place place{backend};
  for (Moment moment : moments(true)) {
    if (moment.change || moment.timestep == moment.config.total_timesteps) continue;  // no such run
    CAPTURE(moment.name);
    const std::optional<Outcome> went_on = resumed(moment, place, checkpoint_of(moment, place));
    REQUIRE(went_on);
    // The same from an earlier moment: what is reported from there on ends with what is reported after the later one.
    moment.config.total_timesteps = moment.total;
    Trainer whole(moment.config, backend, place.parts(moment));
    test::RecordingSink sink;
    whole.add_sink(sink);
    TensorFile last;
    whole.set_checkpoint_hook(0, [&](Index) { last = test::state_of(whole); });
    whole.run();
    for (const FileTensor& tensor : went_on->state) {
      CAPTURE(tensor.name);
      REQUIRE(last.find(tensor.name));
      CHECK(last.find(tensor.name)->bytes == tensor.bytes);
    }
  }
}

}  // namespace
}  // namespace bellman
