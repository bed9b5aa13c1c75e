// Checkpoints from an attacker and from a failing disk: each is refused with the file's name, or gives
// the same run as the undamaged one. Under the sanitizers too.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/cpu/cpu_backend.h"
#include "core/io/files.h"
#include "core/reference/reference_backend.h"
#include "rl/train/trainer.h"
#include "tests/support/error_message.h"
#include "tests/support/long_tests.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/training/tiny_run.h"

namespace bellman {
namespace {

using test::tiny_run;

/// A run's state in its middle.
TensorFile state_of(const TrainConfig& config, ReplayOps* ops = nullptr) {
  CpuBackend backend;
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = {}, .replay_ops = ops});
  TensorFile file;
  trainer.set_checkpoint_hook(32, [&](Index) {
    if (!file.tensors.empty()) return;
    StateWriter out(file);
    trainer.save(out);
  });
  trainer.run();
  return file;
}

/// The trainer's error on a state; if it loads the state, the error of the run that resumes from it.
std::string refusal(const TrainConfig& config, const TensorFile& state, ReplayOps* ops = nullptr) {
  CpuBackend backend;
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = {}, .replay_ops = ops});
  return test::error_message([&] { trainer.load(StateReader(state, "FILE")); });
}

Checkpoint tiny_checkpoint() {
  return {.version = "0.1",
          .build = "0123456789abcdef",
          .device = "cpu",
          .config = "preset = \"none\"\n",
          .timestep = 32,
          .logs = {{"metrics.csv", 123}, {"monitor.csv", 45}},
          .state = state_of(tiny_run())};
}

/// In all fields, the order of bytes in the file aside: load_checkpoint gives the tensors by name.
bool same(const Checkpoint& a, const Checkpoint& b) {
  if (a.version != b.version || a.build != b.build || a.device != b.device || a.config != b.config ||
      a.timestep != b.timestep || a.logs != b.logs || a.state.metadata != b.state.metadata ||
      a.state.tensors.size() != b.state.tensors.size())
    return false;
  for (std::size_t i = 0; i < a.state.tensors.size(); ++i) {
    const FileTensor &x = a.state.tensors[i], &y = b.state.tensors[i];
    if (x.name != y.name || x.dtype != y.dtype || x.shape != y.shape || x.bytes != y.bytes) return false;
  }
  return true;
}

/// A checkpoint's bytes, and what they say.
struct GoodFile {
  GoodFile() {
    const test::TemporaryDirectory directory;
    save_checkpoint(directory / "good", tiny_checkpoint());
    bytes = read_file(directory / "good", std::size_t{1} << 20);
    meaning = load_checkpoint(directory / "good");
  }
  std::span<const std::byte> all() const { return std::as_bytes(std::span(bytes)); }

  std::string bytes;
  Checkpoint meaning;
};

const GoodFile& good_file() {
  static const GoodFile file;
  return file;
}

/// Whether the file is refused by its name or says what the good one says.
bool refused_or_same(const std::filesystem::path& path, int& read) {
  try {
    const Checkpoint checkpoint = load_checkpoint(path);
    ++read;
    return same(checkpoint, good_file().meaning);
  } catch (const Error& error) {
    return std::string_view(error.what()).starts_with(path.string() + ": ");
  }
}

TEST_CASE("damaged checkpoint: every truncation, and a byte too many") {
  test::MemoryFile file;
  file.assign(good_file().all());
  int read = 0;
  CHECK(refused_or_same(file.path(), read));
  REQUIRE(read == 1);
  file.resize(good_file().bytes.size() + 1);
  CHECK(refused_or_same(file.path(), read));
  for (std::size_t length = good_file().bytes.size(); length-- > 0;) {
    file.resize(length);
    if (!refused_or_same(file.path(), read)) FAIL_CHECK("cut to ", length, " bytes");
  }
  CHECK(read == 1);
  MESSAGE("a checkpoint cut short: ", good_file().bytes.size(), " lengths, all refused");
}

/// Every other value of a byte; without the time for it a bit at either end, 0 and 255.
std::vector<std::byte> others(std::byte was) {
  std::vector<std::byte> values;
  if (test::has_long_tests())
    for (int value = 0; value < 256; ++value) values.push_back(static_cast<std::byte>(value));
  else
    values = {was ^ std::byte{1}, was ^ std::byte{0x80}, std::byte{0}, std::byte{0xFF}};
  std::erase(values, was);
  return values;
}

TEST_CASE("damaged checkpoint: every change of one byte") {
  test::MemoryFile file;
  file.assign(good_file().all());
  int read = 0, changes = 0;
  for (std::size_t place = 0; place < good_file().bytes.size(); ++place) {
    const std::byte was = good_file().all()[place];
    for (const std::byte now : others(was)) {
      ++changes;
      file.write(place, {&now, 1});
      if (!refused_or_same(file.path(), read))
        FAIL_CHECK("byte ", place, " is ", static_cast<int>(now), " for ", static_cast<int>(was));
    }
    file.write(place, {&was, 1});
  }
  MESSAGE("a byte of a checkpoint changed: ", changes, " changes of its ", good_file().bytes.size(),
          " bytes, ", changes - read, " refused, ", read, " say the same");
  CHECK(read * 50 < changes);  // blanks of the header's JSON, letters of \u escapes
}

// ---- states whose hashes are right

/// The tensor of that name, its elements replaced.
template <class T>
TensorFile with(TensorFile state, std::string_view name, const std::vector<T>& values) {
  for (FileTensor& tensor : state.tensors) {
    if (tensor.name != name) continue;
    REQUIRE(tensor.dtype == dtype_of<T>());
    tensor.shape = {values.size()};
    tensor.bytes.resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return state;
  }
  FAIL("no tensor ", std::string(name));
  return state;
}

/// One of its elements replaced.
template <class T>
TensorFile with_element(const TensorFile& state, std::string_view name, std::size_t i, T value) {
  std::vector<T> values = StateReader(state, "").get<T>(std::string(name));
  REQUIRE(i < values.size());
  values[i] = value;
  return with(state, name, values);
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Index kHuge = std::numeric_limits<Index>::max();

/// Refused, and the message names file and tensor.
void check_refused(const TrainConfig& config, const std::string& name, const TensorFile& state,
                   ReplayOps* ops = nullptr) {
  const std::string message = refusal(config, state, ops);
  CAPTURE(name);
  CAPTURE(message);
  CHECK(message.starts_with("FILE: "));
  CHECK(message.find(name) != std::string::npos);
}

template <class T>
void check_refuses(const TrainConfig& config, const TensorFile& state, const std::string& name,
                   const std::vector<T>& values, ReplayOps* ops = nullptr) {
  check_refused(config, name, with(state, name, values), ops);
}

TEST_CASE("hostile state: every tensor of another length, and of another type") {
  for (const bool prioritized : {false, true}) {
    TrainConfig config = tiny_run();
    config.prioritized = prioritized;
    const TensorFile state = state_of(config);
    REQUIRE(refusal(config, state) == "no error");
    for (std::size_t i = 0; i < state.tensors.size(); ++i) {
      const std::string& name = state.tensors[i].name;
      TensorFile other = state;
      other.tensors[i].dtype = state.tensors[i].dtype == DType::kU8 ? DType::kF32 : DType::kU8;
      check_refused(config, name, other);
      if (name == "log.returns" || name == "log.lengths" || name == "sampler.slots") continue;  // any length
      other = state;
      other.tensors[i].bytes.resize(state.tensors[i].bytes.size() + 8 * dtype_size(state.tensors[i].dtype));
      check_refused(config, name, other);
    }
  }
}

TEST_CASE("hostile state: counts that are negative, huge or contradict one another") {
  const TrainConfig config = tiny_run();
  const TensorFile state = state_of(config);
  for (const char* name :
       {"trainer.rounds", "trainer.timestep", "trainer.gradient_updates", "trainer.evaluated_timestep",
        "trainer.reported_timestep", "trainer.evaluation_episodes", "trainer.evaluation_is_due",
        "trainer.row_is_due", "trainer.solved_at_timestep", "kept.timestep", "summary.steps",
        "optimizer.steps", "log.episodes", "envs.lengths"})
    for (const Index value : {Index{-2}, kHuge, -kHuge - 1})
      check_refuses<Index>(config, state, name, {value});
  check_refuses<Index>(config, state, "trainer.rounds", {31});
  check_refuses<Index>(config, state, "kept.timestep", {33});
  TrainConfig four = config;  // 2^62 rounds of 4 environments are 0 steps, modulo 2^64
  four.num_envs = 4;
  TensorFile wraps = with<Index>(state_of(four), "trainer.rounds", {Index{1} << 62});
  check_refused(four, "trainer.rounds", with<Index>(wraps, "trainer.timestep", {0}));
}

TEST_CASE("hostile state: times and logs") {
  const TrainConfig config = tiny_run();
  const TensorFile state = state_of(config);
  for (const double value : {kNan, -1.0, 1e300}) {
    check_refuses<double>(config, state, "time.seconds", {value});
    check_refuses<double>(config, state, "time.to_solve", {value});
    check_refuses<double>(config, state, "log.evaluation", {0, 0, 0, 0, 0, value});
  }
  for (const std::uint64_t oldest : {std::uint64_t{1} << 32, ~std::uint64_t{0}})
    check_refuses<std::uint64_t>(config, state, "log.returns.oldest", {oldest});
  check_refuses<double>(config, state, "log.returns", std::vector<double>(100'000));
}

TEST_CASE("hostile state: environments") {
  const TrainConfig config = tiny_run();
  const TensorFile state = state_of(config);
  const std::size_t numbers = StateReader(state, "").get<double>("env.0").size();
  for (std::size_t i = 0; i < numbers; ++i)
    for (const double value : {kNan, 1e300, -1e300})
      check_refused(config, "env.0", with_element(state, "env.0", i, value));
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()})
    check_refused(config, "envs.observations", with_element(state, "envs.observations", 0, value));
  check_refuses<double>(config, state, "envs.returns", {kNan});

  TrainConfig lake = config;
  lake.env.id = "FrozenLake-v1";
  const TensorFile lake_state = state_of(lake);
  for (const double cell : {kNan, -1.0, 0.5, 16.0, 5.0, 1e18})  // cell 5 is a hole
    check_refused(lake, "env.0", with_element(lake_state, "env.0", 0, cell));
}

TEST_CASE("hostile state: the replay") {
  const TrainConfig config = tiny_run();
  const TensorFile state = state_of(config);
  const std::size_t slots = StateReader(state, "").get<float>("replay.rewards").size();
  for (std::size_t i = 0; i < slots; ++i) {
    check_refused(config, "replay.kinds", with_element(state, "replay.kinds", i, std::uint8_t{6}));
    check_refused(config, "replay.kinds", with_element(state, "replay.kinds", i, std::uint8_t{255}));
    check_refused(config, "replay.rewards", with_element(state, "replay.rewards", i, std::nanf("")));
    for (const std::int32_t action : {-1, 2, std::numeric_limits<std::int32_t>::max()})
      check_refused(config, "replay.actions", with_element(state, "replay.actions", i, action));
  }
  for (const Index head : {Index{-2}, static_cast<Index>(slots), kHuge, -kHuge - 1})
    check_refuses<Index>(config, state, "replay.heads", {head});
}

TEST_CASE("hostile state: the samplers") {
  const TrainConfig config = tiny_run();
  const TensorFile state = state_of(config);
  for (const std::int32_t slot : {-1, 20, std::numeric_limits<std::int32_t>::max()})
    check_refused(config, "sampler.slots", with_element(state, "sampler.slots", 0, slot));
  std::vector<std::int32_t> slots = StateReader(state, "").get<std::int32_t>("sampler.slots");
  slots.push_back(slots[0]);
  check_refuses(config, state, "sampler.slots", slots);
  slots.resize(1);  // the replay knows more
  check_refuses(config, state, "sampler.slots", slots);

  TrainConfig prioritized = config;
  prioritized.prioritized = true;
  const TensorFile weighed = state_of(prioritized);
  const std::size_t i =
      static_cast<std::size_t>(StateReader(state, "").get<std::int32_t>("sampler.slots")[0]);
  for (const double weight : {kNan, -1.0, 0.0, 1e-320, 1e300, std::numeric_limits<double>::infinity()})
    check_refused(prioritized, "sampler.weights", with_element(weighed, "sampler.weights", i, weight));
  for (const double largest : {kNan, 0.0, -1.0, std::numeric_limits<double>::infinity()})
    check_refuses<double>(prioritized, weighed, "sampler.max_priority", {largest});

  TrainConfig newest = config;
  newest.replay = false;
  const TensorFile waiting = state_of(newest);
  for (const Index slot : {Index{-1}, Index{1'000}, kHuge})
    check_refuses<Index>(newest, waiting, "sampler.waiting", {slot});
  check_refuses(newest, waiting, "sampler.waiting", std::vector<Index>(1'000));
}

TEST_CASE("hostile state: running statistics, and those that were kept") {
  TrainConfig config = tiny_run();
  config.normalize_observation = true;
  const TensorFile state = state_of(config);
  check_refuses<Index>(config, state, "normalizer.count", {kHuge});
  check_refuses<Index>(config, state, "normalizer.count", {-1});
  for (const double value : {kNan, std::numeric_limits<double>::infinity()})
    for (const char* name :
         {"normalizer.mean", "normalizer.sum_of_squared_differences", "kept.mean", "kept.variance"})
      check_refused(config, name, with_element(state, name, 0, value));
  check_refuses<double>(config, state, "kept.mean", {1});
  check_refuses<double>(config, state, "kept.variance", {});
  check_refuses<double>(tiny_run(), state_of(tiny_run()), "kept.mean", {1, 2, 3, 4});
}

TEST_CASE("hostile state: a replay in the backend's memory") {
  HostReplayOps ops;
  for (const bool prioritized : {false, true}) {
    TrainConfig config = tiny_run();
    config.prioritized = prioritized;
    const TensorFile state = state_of(config, &ops);
    REQUIRE(refusal(config, state, &ops) == "no error");
    check_refused(config, "replay.actions", with_element(state, "replay.actions", 3, std::int32_t{2}), &ops);
    check_refuses<std::int32_t>(config, state, "replay.lane_slots", {20}, &ops);
    check_refuses<std::int32_t>(config, state, "replay.lane_slots", {-1}, &ops);
    check_refuses<Index>(config, state, "summary.learn_steps", {-1}, &ops);
    check_refuses<double>(config, state, "summary.sums", {1}, &ops);
  }
}

}  // namespace
}  // namespace bellman
