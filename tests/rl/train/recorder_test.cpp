// The rows of diagnostics.csv.
#include "rl/train/recorder.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_cases.h"
#include "tests/rl/train/recorded_rows.h"
#include "tests/rl/train/run_pieces.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman {
namespace {

using test::column;
using test::lines_of;
using test::Place;
using test::recorded_cases;
using test::RecordedCase;
using test::state_of;
using test::training_to_resume;

/// Trains to the end, recorded into `path` behind its first `kept` bytes where it is given; with a state, from there.
/// Returns the state at the end, wall times aside; calls `at_checkpoint` every 150 steps.
std::vector<FileTensor> end_of(
    const RecordedCase& c, const std::filesystem::path& path = {}, std::int64_t kept = 0,
    const TensorFile* from = nullptr,
    const std::function<void(const TensorFile&, std::int64_t)>& at_checkpoint = {}) {
  Place place = c.place();
  place.parts.records = !path.empty();
  Trainer trainer(c.config, *place.backend, place.parts);
  std::optional<AppendFile> file;
  std::optional<Recorder> recorder;
  if (from) trainer.load(StateReader(*from, "the checkpoint"));
  if (!path.empty()) {
    from ? (void)file.emplace(path, kept) : (void)file.emplace(path);
    recorder.emplace(trainer, *file, [](const std::string& reason) { FAIL(reason); });
    trainer.add_sink(*recorder);
  }
  TensorFile last;
  trainer.set_checkpoint_hook(150, [&](Index) {
    last = state_of(trainer);
    if (at_checkpoint) at_checkpoint(last, file->size());
  });
  trainer.run();
  std::erase_if(last.tensors, [](const FileTensor& tensor) { return tensor.name.starts_with("time."); });
  return last.tensors;
}

void check_same(const std::vector<FileTensor>& a, const std::vector<FileTensor>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].name);
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].bytes == b[i].bytes);
  }
}

TEST_CASE("no bit of a run depends on being recorded") {
  const test::TemporaryDirectory top;
  for (const RecordedCase& c : recorded_cases()) {
    CAPTURE(c.name);
    check_same(end_of(c), end_of(c, top.path() / "diagnostics.csv"));
    CHECK(lines_of(top.path() / "diagnostics.csv").size() > 3);
  }
}

TEST_CASE("a resumed run records what the whole run records") {
  const test::TemporaryDirectory top;
  struct Cut {
    TensorFile state;
    std::int64_t bytes;
  };
  for (const RecordedCase& c : recorded_cases()) {
    CAPTURE(c.name);
    const std::filesystem::path path = top.path() / "diagnostics.csv";
    std::vector<Cut> cuts;
    end_of(c, path, 0, nullptr, [&](const TensorFile& state, std::int64_t bytes) {
      cuts.push_back({state, bytes});
    });
    const std::vector<std::string> whole = lines_of(path);
    const std::filesystem::path rest = top.path() / "rest.csv";
    REQUIRE(cuts.size() >= 2);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      CAPTURE(i);
      std::filesystem::copy_file(path, rest, std::filesystem::copy_options::overwrite_existing);
      end_of(c, rest, cuts[i].bytes, &cuts[i].state);
      CHECK(lines_of(rest) == whole);
    }
  }
}

TEST_CASE("a row's numbers are those of the step that it measures") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  TrainConfig config = training_to_resume();
  config.learner = LearnerKind::kOpByOp;
  config.network = "dense 8, relu, dense 8, relu";
  config.eval_frequency = 0;
  config.train_frequency = 1;
  config.log_frequency = 300;  // the row of step 300; the last row is that of step 500
  CpuBackend backend(1);
  Trainer trainer(config, backend);
  AppendFile file(path);
  Recorder recorder(trainer, file, [](const std::string& reason) { FAIL(reason); });
  trainer.add_sink(recorder);
  trainer.run();
  const std::vector<double> steps = column(path, "time/total_timesteps");
  REQUIRE(steps == std::vector<double>{300, 500});
  // The parameters at the end are those that the run kept.
  const ArenaLayout::Entry& first = trainer.network().layout().entries()[0];
  double squares = 0;
  for (Index i = 0; i < first.shape.elements(); ++i)
    squares += std::pow(
        static_cast<double>(trainer.kept_parameters()[static_cast<std::size_t>(first.offset + i)]), 2);
  CHECK(column(path, "weight_norm/0.weight")[1] == doctest::Approx(std::sqrt(squares)).epsilon(1e-5));
  for (const char* const name : {"grad_norm/0.weight", "grad_norm/4.bias", "update_ratio/0.weight"})
    for (const double value : column(path, name)) CHECK(value > 0);
  // Adam's step is at most about the learning rate for each parameter.
  const double most = config.learning_rate * std::sqrt(static_cast<double>(first.shape.elements()));
  CHECK(column(path, "update_ratio/0.weight")[1] < 1.5 * most / std::sqrt(squares));
  for (std::size_t row = 0; row < steps.size(); ++row) {
    const double p10 = column(path, "td_error/p10")[row], p50 = column(path, "td_error/p50")[row],
                 p90 = column(path, "td_error/p90")[row], most_error = column(path, "td_error/max")[row];
    CHECK(0 <= p10);
    CHECK(p10 <= p50);
    CHECK(p50 <= p90);
    CHECK(p90 <= most_error);
    CHECK(most_error > 0);
    for (const char* const name : {"dead_share/1", "dead_share/3"}) {
      CHECK(column(path, name)[row] >= 0);
      CHECK(column(path, name)[row] <= 1);
    }
  }
}

TEST_CASE("before the first gradient step a row has norms alone") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  RecordedCase c = {"", training_to_resume()};
  c.config.learning_starts = 200;
  end_of(c, path);
  const std::vector<double> steps = column(path, "time/total_timesteps");
  for (std::size_t row = 0; row < steps.size(); ++row) {
    CHECK(std::isnan(column(path, "grad_norm/0.weight")[row]) == (steps[row] < 200));
    CHECK(column(path, "weight_norm/0.weight")[row] > 0);
  }
}

TEST_CASE("rows are two hundred gradient steps apart, and at evaluations and the end") {
  TrainConfig config;
  CHECK(Recorder::steps_between(config) == 2'000);  // every second row of progress.csv
  config.log_frequency = 10;
  CHECK(Recorder::steps_between(config) == 2'000);
  config.log_frequency = 300;
  CHECK(Recorder::steps_between(config) == 2'100);
  config.gradient_steps = 1'000;
  CHECK(Recorder::steps_between(config) == 300);
  config.replay = false;
  config.num_envs = 8;
  CHECK(Recorder::steps_between(config) == 1'800);
  config.log_frequency = 0;
  CHECK(Recorder::steps_between(config) == 0);
  config = {};
  config.train_frequency = Index{1} << 60;
  CHECK(Recorder::steps_between(config) > 0);

  const test::TemporaryDirectory top;
  RecordedCase c = {"", training_to_resume()};  // a gradient step every second step, rows every 90
  c.config.total_timesteps = 600;
  c.config.num_envs = 4;
  end_of(c, top.path() / "diagnostics.csv");
  CHECK(column(top.path() / "diagnostics.csv", "time/total_timesteps") ==
        std::vector<double>{120, 240, 360, 452, 480, 600});
}

TEST_CASE("a gridworld's Q-table is recorded at evaluations") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  RecordedCase c = {"", training_to_resume()};
  c.config.env.id = "FrozenLake-v1";
  c.config.log_frequency = 200;
  c.config.eval_frequency = 250;
  end_of(c, path);
  CHECK(column(path, "time/total_timesteps") == std::vector<double>{250, 400, 500});
  const std::vector<double> q = column(path, "q/0");
  CHECK(std::isfinite(q[0]));
  CHECK(std::isnan(q[1]));
  CHECK(std::isfinite(q[2]));
  CHECK(std::isnan(column(path, "q/63")[0]));  // the goal: no action is taken there
}

/// No file of this process grows beyond so many bytes while it lives.
class FullDisk {
 public:
  explicit FullDisk(std::int64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {static_cast<rlim_t>(bytes), before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_CASE("a row that cannot be written ends the recording, and not the run") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  const RecordedCase c = {"", training_to_resume()};
  const std::vector<FileTensor> plain = end_of(c);
  CpuBackend backend(1);
  Trainer trainer(c.config, backend);
  AppendFile file(path);
  std::vector<std::string> reasons;
  Recorder recorder(trainer, file, [&](const std::string& reason) { reasons.push_back(reason); });
  trainer.add_sink(recorder);
  {
    const FullDisk full(file.size() + 10);
    trainer.run();
  }
  REQUIRE(reasons.size() == 1);
  CHECK(test::contains(reasons[0], "diagnostics.csv: "));
  CHECK(lines_of(path, 0).size() == 1);  // whole lines alone
  TensorFile end = state_of(trainer);
  std::vector<FileTensor> kept;
  for (const FileTensor& tensor : plain)
    if (tensor.name == "network.target") kept.push_back(tensor);
  REQUIRE(kept.size() == 1);
  CHECK(end.find("network.target")->bytes == kept[0].bytes);
}

TEST_CASE("the phases of a recorded run add up to its time") {
  const test::TemporaryDirectory top;
  const std::filesystem::path path = top.path() / "diagnostics.csv";
  RecordedCase c = {"", training_to_resume()};
  end_of(c, path);
  double learning = 0, evaluation = 0;
  for (const std::string_view phase : kPhaseNames) {
    const std::vector<double> seconds = column(path, std::string("seconds/").append(phase));
    for (const double value : seconds) CHECK(value >= 0);
    if (phase == "learning")
      for (const double value : seconds) learning += value;
    if (phase == "evaluation")
      for (const double value : seconds) evaluation += value;
  }
  CHECK(learning > 0);
  CHECK(evaluation > 0);
}

}  // namespace
}  // namespace bellman
