// What `bellman sweep --resume` reads, and which forged files with right hashes it refuses.
#include "apps/sweep/sweep_state.h"

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "apps/settings/config_file.h"
#include "apps/sweep/sweep_files.h"
#include "apps/sweep/sweep_report.h"
#include "core/base/check.h"
#include "rl/state/training_state.h"
#include "tests/apps/sweep/forge.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

ResolvedConfig with(double gamma, Index n_step) {
  ResolvedConfig resolved{.config = {}, .preset = "none", .origins = {}};
  resolved.config.gamma = gamma;
  resolved.config.n_step = n_step;
  resolved.config.eval_frequency = 0;
  resolved.origins.assign(settings().size(), "test");
  return resolved;
}

/// gamma 0.9 and 0.99, n_step 1 and 3.
SweepPlan small_plan() {
  SweepPlan plan;
  plan.grid = {&grid_setting("gamma"), &grid_setting("n_step")};
  for (const double gamma : {0.9, 0.99})
    for (const Index n_step : {1, 3}) plan.variants.push_back(sweep_variant(plan.grid, with(gamma, n_step)));
  plan.seeds = {7, 3, 18446744073709551615U};
  return plan;
}

RunRecord some_record(RunState state) {
  RunRecord record;
  record.state = state;
  record.timestep = 400;
  record.result.timesteps = 400;
  record.result.solved_at_timestep = 200;
  record.result.eval = {.mean = -1.5, .std = 0.5, .min = -2, .max = -1, .mean_length = 7, .episodes = 2};
  record.curve = {{200, -3.5}, {400, -1.5}};
  if (state == RunState::kFinished) record.result.training_mean = -9.25, record.result.training_episodes = 40;
  if (state == RunState::kFailed) record.error = "the loss is nan";
  return record;
}

void set_text(TensorFile& file, const std::string& name, const std::string& text) {
  set(file, name, std::vector<std::uint8_t>(text.begin(), text.end()));
}

std::string settings_text(const std::string& from, const std::string& to) {
  std::string text = config_file_text(with(0.9, 1).config);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void add_shard(TensorFile& file, const std::vector<std::uint64_t>& values) {
  file.tensors.push_back({"shard", DType::kU64, {values.size()}, std::vector<std::byte>(8 * values.size())});
  set(file, "shard", values);
}

/// The message begins with the file's name and holds `word`; no control characters.
void check_error(const std::function<void()>& read, const fs::path& path, const std::string& word) {
  CAPTURE(word);
  try {
    read();
    FAIL_CHECK("it was taken");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.starts_with(path.string() + ": "));
    CHECK_MESSAGE(message.find(word) != std::string::npos, message);
    CHECK(message.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("a sweep's plan comes back as it was, values and labels too") {
  const TemporaryDirectory top;
  const SweepPlan plan = small_plan();
  const fs::path path = sweep_plan_path(top.path());
  std::vector<RunRecord> runs(plan.runs());
  runs[4] = some_record(RunState::kFinished);
  runs[5].state = RunState::kRunning;
  runs[7] = some_record(RunState::kFailed);
  save_sweep_plan(path, plan, runs);
  const SavedSweep saved = load_sweep_plan(path);
  const SweepPlan& read = saved.plan;
  for (std::size_t run = 0; run < plan.runs(); ++run) CHECK(saved.over[run] == (run == 4 || run == 7));
  CHECK(SweepState(top.path(), read).lost(saved.over) == std::vector<std::size_t>{4, 7});
  CHECK(read.grid == plan.grid);
  CHECK(read.seeds == plan.seeds);
  REQUIRE(read.variants.size() == 4);
  for (std::size_t v = 0; v < 4; ++v) {
    CHECK(read.variants[v].label == plan.variants[v].label);
    CHECK(read.variants[v].values == plan.variants[v].values);
    CHECK(config_file_text(read.variants[v].resolved.config) ==
          config_file_text(plan.variants[v].resolved.config));
  }
  CHECK(read.variants[1].label == "gamma=0.9, n_step=3");
}

TEST_CASE("a sweep's plan that somebody else made is refused, by file, key and value") {
  struct Case {
    std::string word;
    std::function<void(TensorFile&)> how;
  };
  using Seeds = std::vector<std::uint64_t>;
  const std::vector<Case> cases = {
      {"--seeds: the list is empty", [](TensorFile& f) { set(f, "seeds", Seeds{}); }},
      {"--seeds: 5 is given twice",
       [](TensorFile& f) {
         set(f, "seeds", Seeds{5, 6, 5});
       }},
      {"more than 100000 runs", [](TensorFile& f) { set(f, "seeds", Seeds(25'001)); }},
      {"seeds is of type I64", [](TensorFile& f) { set(f, "seeds", std::vector<std::int64_t>{-1}); }},
      {"seeds is of type F64", [](TensorFile& f) { set(f, "seeds", std::vector<double>{0.5}); }},
      {"there is no tensor seeds",
       [](TensorFile& f) {
         std::erase_if(f.tensors, [](const FileTensor& t) { return t.name == "seeds"; });
       }},
      {"over has 2, must be 0 or 1", [](TensorFile& f) { set(f, "over", std::vector<std::uint8_t>(12, 2)); }},
      {"over has 11 numbers", [](TensorFile& f) { set(f, "over", std::vector<std::uint8_t>(11)); }},
      {"there is no tensor over",
       [](TensorFile& f) { std::erase_if(f.tensors, [](const FileTensor& t) { return t.name == "over"; }); }},
      {"shard has 3 of 2",
       [](TensorFile& f) {
         add_shard(f, {3, 2});
       }},
      {"shard has 0 of 2",
       [](TensorFile& f) {
         add_shard(f, {0, 2});
       }},
      {"shard has 1 numbers", [](TensorFile& f) { add_shard(f, {1}); }},
      {"there is no tensor grid",
       [](TensorFile& f) { std::erase_if(f.tensors, [](const FileTensor& t) { return t.name == "grid"; }); }},
      {"--grid: 0 combinations",
       [](TensorFile& f) {
         std::erase_if(f.tensors, [](const FileTensor& t) { return t.name.starts_with("settings"); });
       }},
      {"a sweep has no tensor settings.000002",
       [](TensorFile& f) {
         std::erase_if(f.tensors, [](const FileTensor& t) { return t.name == "settings.000001"; });
       }},
      {"a sweep has no tensor label?[2J",
       [](TensorFile& f) {
         f.tensors.push_back({"label\x1b[2J", DType::kU8, {0}, {}});
       }},
      {"unknown setting \"gama\"", [](TensorFile& f) { set_text(f, "grid", "gama,n_step"); }},
      {"unknown setting \"?[2J\"", [](TensorFile& f) { set_text(f, "grid", "\x1b[2J"); }},
      {"--grid seed", [](TensorFile& f) { set_text(f, "grid", "seed"); }},
      {"--grid gamma: it is given twice", [](TensorFile& f) { set_text(f, "grid", "gamma,n_step,gamma"); }},
      {"this combination is given twice", [](TensorFile& f) { set_text(f, "grid", "gamma"); }},
      {"settings.000000: config.toml: gamma is missing",
       [](TensorFile& f) { set_text(f, "settings.000000", settings_text("gamma = 0.9\n", "")); }},
      {"unknown key \"gama\"",
       [](TensorFile& f) { set_text(f, "settings.000000", settings_text("gamma = 0.9", "gama = 0.9")); }},
      {"gamma: 7 is out of range",
       [](TensorFile& f) { set_text(f, "settings.000000", settings_text("gamma = 0.9", "gamma = 7")); }},
      {"control characters",
       [](TensorFile& f) {
         set_text(f, "settings.000000", settings_text("device = \"cpu\"", "device = \"\\u001b[2J\""));
       }},
      {"is longer than",
       [](TensorFile& f) { set_text(f, "settings.000000", std::string(std::size_t{1} << 21, '#')); }},
      {"stop_when_solved is true, but eval_frequency is 0",
       [](TensorFile& f) {
         set_text(f, "settings.000000", settings_text("stop_when_solved = false", "stop_when_solved = true"));
       }},
  };
  for (const Case& c : cases) {
    const TemporaryDirectory top;
    const fs::path path = sweep_plan_path(top.path());
    save_sweep_plan(path, small_plan(), std::vector<RunRecord>(small_plan().runs()));
    forge(path, c.how);
    check_error([&] { load_sweep_plan(path); }, path, c.word);
  }
}

TEST_CASE("a run's results come back from a sweep's state, and those that no run has are refused") {
  const SweepPlan plan = small_plan();
  const TemporaryDirectory top;
  const SweepState state(top.path(), plan);
  for (const RunState how : {RunState::kFinished, RunState::kFailed}) {
    state.save_record(4, some_record(how));
    const auto record = state.record_of(4, *state.find(4));
    REQUIRE(record);
    CHECK(record->state == how);
    CHECK(record->result.eval.mean == -1.5);
    CHECK(record->result.solved_at_timestep == 200);
    CHECK(record->curve.size() == 2);
    CHECK(record->error == some_record(how).error);
  }
  const auto refused = [&](const std::string& word, const std::function<void(TensorFile&)>& how) {
    state.save_record(4, some_record(RunState::kFinished));
    forge(state.path(4), how);
    check_error([&] { state.records(); }, state.path(4), word);
  };
  using Counts = std::vector<std::int64_t>;
  using Reals = std::vector<double>;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  refused("record.state is 1", [](TensorFile& f) { set(f, "record.state", Counts{1}); });
  refused("record.state is 4294967298", [](TensorFile& f) { set(f, "record.state", Counts{4294967298}); });
  refused("record.timesteps is -1", [](TensorFile& f) { set(f, "record.timesteps", Counts{-1}); });
  refused("record.solved_at_timestep is -2",
          [](TensorFile& f) { set(f, "record.solved_at_timestep", Counts{-2}); });
  refused("record.eval.mean is nan", [](TensorFile& f) { set(f, "record.eval.mean", Reals{kNan}); });
  refused("time.seconds is -1", [](TensorFile& f) { set(f, "time.seconds", Reals{-1}); });
  refused("record.curve.timesteps has 100 after 200", [](TensorFile& f) {
    set(f, "record.curve.timesteps", Counts{200, 100});
  });
  refused("record.curve.means has 1 numbers", [](TensorFile& f) { set(f, "record.curve.means", Reals{1}); });
  refused("trains the run again", [](TensorFile& f) { set(f, "record.timesteps", Counts{-1}); });
  refused("record.curve.means has inf", [](TensorFile& f) {
    set(f, "record.curve.means", Reals{1, HUGE_VAL});
  });

  refused("record.training.mean is nan", [](TensorFile& f) { set(f, "record.training.mean", Reals{kNan}); });
  refused("record.training.episodes is -1",
          [](TensorFile& f) { set(f, "record.training.episodes", Counts{-1}); });

  state.save_record(4, some_record(RunState::kFailed));
  forge(state.path(4), [](TensorFile& f) { set_text(f, "record.error", "\x1b[2J<script>"); });
  CHECK(state.record_of(4, *state.find(4))->error == "\\x1b[2J<script>");
}

TEST_CASE(
    "a run's training return comes back; a run without episodes has none, nor has an earlier version's") {
  const SweepPlan plan = small_plan();
  const TemporaryDirectory top;
  const SweepState state(top.path(), plan);
  RunRecord record = some_record(RunState::kFinished);
  const auto kept = [&] {
    state.save_record(4, record);
    return state.record_of(4, *state.find(4)).value().result;
  };
  CHECK(kept().training_mean == -9.25);
  CHECK(kept().training_episodes == 40);
  record.result.training_episodes = 0;
  record.result.training_mean = std::numeric_limits<double>::quiet_NaN();
  CHECK(kept().training_episodes == 0);
  CHECK(std::isnan(kept().training_mean));
  record.result.training_episodes.reset();
  CHECK(!kept().training_episodes);
  CHECK(!state.find(4)->state.find("record.training.mean"));
}

/// No place on the page is NaN, and no label is as long as a number can be.
void check_drawn(const std::string& page) {
  CHECK(page.size() < 40'000);
  for (const char* const place : {"\"nan", "\"-nan", "nan,", ",nan", "\"inf", "inf,"})
    CHECK(page.find(place) == std::string::npos);
}

TEST_CASE("a sweep's page and tables stand numbers and texts of any kind") {
  SweepPlan plan = small_plan();
  plan.grid = {&grid_setting("map")};
  plan.variants.resize(1);
  plan.variants[0].resolved.config.env.map = "<script>\"&'";
  plan.variants[0] = sweep_variant(plan.grid, plan.variants[0].resolved);
  std::vector<SweepRun> runs(plan.runs(), some_record(RunState::kFinished));
  const std::string page = sweep_page(plan, runs, 1);
  CHECK(page.find("<script>") == page.rfind("<script>"));  // the page's own
  CHECK(page.find("<script>\"&'") == std::string::npos);
  CHECK(page.find("map=&lt;script&gt;&quot;&amp;") != std::string::npos);
  CHECK(runs_csv(plan, runs).find("\"<script>\"\"&'\",7,finished,") != std::string::npos);
  CHECK(page.find("<h1>CartPole-v1: 1 setting, 3 seeds</h1>") != std::string::npos);
  SweepPlan two = small_plan();
  two.variants[1].resolved.config.env.id = "FourRooms-v0";
  CHECK(sweep_title(two) == "CartPole-v1, FourRooms-v0: 4 settings, 3 seeds");
  for (const double mean : {1e17, 1e308, -1e308, 1e-308}) {
    for (SweepRun& run : runs) run.curve = {{0, 0}, {Index{1} << 53, mean}, {Index{1} << 53, -mean * 0.999}};
    check_drawn(sweep_page(plan, runs, 1));
    for (SweepRun& run : runs) run.curve = {{0, mean}, {1, std::nextafter(mean, 0)}};
    check_drawn(sweep_page(plan, runs, 1));
  }
}

}  // namespace
}  // namespace bellman::test
