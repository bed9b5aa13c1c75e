// `bellman train --resume`: what it refuses, and what it accepts.
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Turns one bit of one byte.
void damage(const fs::path& path, std::uintmax_t byte) {
  std::string bytes = read_file(path, std::size_t{1} << 30);
  bytes[static_cast<std::size_t>(byte)] = static_cast<char>(bytes[static_cast<std::size_t>(byte)] ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_CASE("--resume refuses what is no run") {
  const TemporaryDirectory top;
  const std::string missing = (top / "missing").string();
  check_refused({"train", "--resume", missing}, {missing, "No such file"});
  CHECK_FALSE(fs::exists(missing));
  fs::create_directory(top / "empty");
  check_refused({"train", "--resume", (top / "empty").string()}, {(top / "empty").string(), "no checkpoint"});
  CHECK(fs::is_empty(top / "empty"));
  std::ofstream(top / "file") << "text";
  check_refused({"train", "--resume", (top / "file").string()}, {(top / "file").string(), "Not a directory"});
}

TEST_CASE("--resume with other settings names them, and --override changes them") {
  const TemporaryDirectory top;
  const std::string run = (top / "run").string();
  const RunOutcome reference = uninterrupted(short_run(), run);
  const Words resume = {"train", "--quiet", "--resume", run};

  check_refused(resume + Words{"--gamma", "0.5", "--n-step", "3"},
                {"gamma is 0.99, not 0.5", "n_step is 5, not 3"});
  check_refused(resume + Words{"--run-dir", run}, {"--resume", "--run-dir"});
  check_refused(resume + Words{"--overwrite"}, {"--resume", "--overwrite"});
  check_refused(resume + Words{"--override", "gamma"}, {"gamma", "KEY=VALUE"});
  check_refused(resume + Words{"--override", "gama=0.5"},
                {"unknown setting", "gama", "did you mean \"gamma\""});
  check_refused(resume + Words{"--override", "gamma=high"}, {"gamma", "high"});
  check_refused(resume + Words{"--override", "total_timesteps=2399"}, {"total_timesteps", "2399", "2400"});
  check_refused(resume + Words{"--override", "network=dense 7"}, {"network", "dense 7", "began with"});
  check_refused(short_run() + Words{"--override", "gamma=0.5"}, {"--override", "--resume"});
  const CommandResult dry = run_bellman(resume + Words{"--dry-run", "--override", "gamma=0.5"});
  CHECK(dry.exit_code == 0);
  CHECK(dry.out.find("It would continue at step 2,400") != std::string::npos);
  CHECK(dry.out.find("override") != std::string::npos);
  const CommandResult json = run_bellman(resume + Words{"--dry-run", "--json"});
  CHECK(json.exit_code == 0);
  CHECK(json.out.find("\"gamma\":{\"value\":0.99,\"origin\":\"checkpoint\"}") != std::string::npos);
  check_same(outcome_of(run), reference);  // unchanged

  CHECK(run_bellman(resume + Words{"--gamma", "0.99"}).exit_code == 0);  // not different
  check_same(outcome_of(run), reference);
  CHECK(run_bellman(resume + Words{"--override", "total_timesteps=2700", "--override", "gamma=0.5"})
            .exit_code == 0);
  CHECK(checkpoints_of(run).front().filename() == "checkpoint-000000002700.safetensors");
  CHECK(load_checkpoint(checkpoints_of(run).front()).config.find("gamma = 0.5") != std::string::npos);
}

TEST_CASE("a damaged checkpoint is named and the one before it taken") {
  const TemporaryDirectory top;
  const RunOutcome reference = uninterrupted(short_run(), top / "reference");
  const std::vector<double> places = {0.0, 0.01, 0.2, 0.7, 1.0};
  for (const double where : places) {
    CAPTURE(where);
    const fs::path run = top / ("run" + std::to_string(where));
    uninterrupted(short_run() + Words{"--keep", "3"}, run);
    const std::vector<fs::path> all = checkpoints_of(run);
    REQUIRE(all.size() == 3);
    const auto last = static_cast<double>(fs::file_size(all[0]) - 1);
    damage(all[0], static_cast<std::uintmax_t>(where * last));
    const CommandResult result =
        run_bellman({"train", "--quiet", "--resume", run.string(), "--override", "keep=2"});
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    CHECK(result.err.starts_with("bellman train: " + all[0].string() + ": "));
    CHECK(result.err.ends_with("; trying the previous one\n"));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    check_same(outcome_of(run), reference);
  }
  MESSAGE("damaged newest checkpoint: " << places.size() << " runs, each went on from the one before");
}

TEST_CASE(
    "what --override changed holds where the checkpoints that know of it are lost, and an edit does not") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  uninterrupted(short_run() + Words{"--keep", "9"}, run);
  const Words resume = {"train", "--quiet", "--resume", run.string()};
  const Words changes = {"--override", "total_timesteps=2700", "--override", "learning_rate=1e-3"};
  REQUIRE(run_bellman(resume + changes).exit_code == 0);
  for (const fs::path& path : checkpoints_of(run))
    if (path.filename() > "checkpoint-000000002100.safetensors") fs::remove(path);

  const CommandResult result = run_bellman(resume);
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.err ==
        "bellman train: " + (run / "config.toml").string() +
            ": total_timesteps=2700, learning_rate=0.001 from step 2,100 on, as --override said after "
            "that checkpoint\n");
  CHECK(checkpoints_of(run).front().filename() == "checkpoint-000000002700.safetensors");
  CHECK(run_bellman({"verify", run.string()}).exit_code == 0);

  std::string text = read_file(run / "config.toml", std::size_t{1} << 20);
  const std::size_t gamma = text.find("gamma = 0.99");
  REQUIRE(gamma != std::string::npos);
  std::ofstream(run / "config.toml") << text.replace(gamma, 12, "gamma = 0.98");
  check_refused(resume, {"gamma is 0.99, not 0.98", (run / "config.toml").string()});
}

TEST_CASE("a resumed run reads its config.toml once: two reads could find different texts") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  uninterrupted(short_run(), run);
  const FileDescriptor events(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify", "opened");
  const std::string path = (run / "config.toml").string();
  // The end of each reading, too: equal events in a row would become one.
  REQUIRE(::inotify_add_watch(events.get(), path.c_str(), IN_OPEN | IN_CLOSE_NOWRITE) >= 0);
  REQUIRE(run_bellman({"train", "--dry-run", "--resume", run.string()}).exit_code == 0);
  alignas(inotify_event) std::array<char, 4096> buffer{};
  const ssize_t size = ::read(events.get(), buffer.data(), buffer.size());
  int opened = 0;
  for (ssize_t at = 0; at < size;) {
    const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    opened += (event->mask & IN_OPEN) != 0;
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  CHECK(opened == 1);
}

TEST_CASE("a run whose checkpoints are all damaged is refused, each of them named") {
  const TemporaryDirectory top;
  uninterrupted(short_run(), top / "run");
  const std::vector<fs::path> all = checkpoints_of(top / "run");
  REQUIRE(all.size() == 2);
  damage(all[0], 5000);
  std::ofstream(all[1], std::ios::binary | std::ios::trunc).close();
  const CommandResult result = run_bellman({"train", "--resume", (top / "run").string()});
  CHECK(result.exit_code == 2);
  CHECK(result.out == "");
  for (const fs::path& path : all) CHECK(result.err.find(path.string()) != std::string::npos);
  CHECK(result.err.find("none of its 2 checkpoints is undamaged") != std::string::npos);
}

TEST_CASE("a damaged checkpoint of a later step is not counted among those that are kept") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  uninterrupted(short_run() + Words{"--keep", "2"}, run);
  damage(checkpoints_of(run)[0], 5000);
  // It ends before the damaged one's step, and may keep one.
  const CommandResult result = run_bellman({"train", "--quiet", "--resume", run.string(), "--override",
                                            "keep=1", "--override", "total_timesteps=2250"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  REQUIRE(checkpoints_of(run).size() == 2);
  CHECK(load_checkpoint(checkpoints_of(run)[1]).timestep == 2250);
}

/// The run's logs; a resumed run appends to all of them.
std::vector<fs::path> logs_of(const fs::path& run) {
  std::vector<fs::path> logs = {run / "monitor.csv", run / "progress.csv"};
  for (const fs::directory_entry& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("events.")) logs.push_back(entry.path());
  REQUIRE(logs.size() == 3);
  return logs;
}

TEST_CASE("a log that somebody shortened, lengthened, changed or lost is named, and none is cut in a line") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  // Schedules that follow total_timesteps would have a note of their own.
  uninterrupted(short_run() + Words{"--no-anneal-learning-rate", "--no-prioritized"}, run);
  const Words resume = {"train", "--quiet", "--resume", run.string(), "--override", "total_timesteps=2500"};
  for (const fs::path& log : logs_of(run)) {
    CAPTURE(log);
    const std::string text = content_of(log);
    const std::string name = log.filename().string();
    const std::size_t middle = text.size() / 2;
    written(log, text.substr(0, 100));
    check_refused(resume, {name, "it has 100 bytes", "--new-logs"});
    written(log, text.substr(0, middle) + "what,a,line\n" + text.substr(middle));
    check_refused(resume, {name, "it was changed", "--new-logs"});
    const auto known = static_cast<std::size_t>(load_checkpoint(checkpoints_of(run).front()).logs.at(name));
    written(log, text.substr(0, known - 9) + "X" + text.substr(known - 8));
    const CommandResult changed = run_bellman(resume + Words{"--dry-run"});
    CHECK(changed.exit_code == 0);  // which reads no log
    check_refused(resume, {name, "it was changed"});
    CHECK(content_of(log).size() == text.size());  // not cut
    fs::remove(log);
    check_refused(resume, {name, "it is missing", "--new-logs"});
    written(log, text + "1,2,3\nhalf a li");  // beyond what the checkpoint knows: cut back to it
  }
  const CommandResult resumed = run_bellman(resume);
  CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
  outcome_of(run);  // each of their lines is whole
}

TEST_CASE(
    "--new-logs begins a missing or a damaged log anew, keeps the old one and goes on with the others") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  uninterrupted(short_run(), run);
  const std::vector<fs::path> logs = logs_of(run);
  const std::string progress = content_of(run / "progress.csv");
  written(run / "monitor.csv", "r,l,t\n");
  fs::remove(logs[2]);
  const Words more = {"--resume", run.string(), "--override", "total_timesteps=2700", "--new-logs"};
  const CommandResult resumed = run_bellman(Words{"train", "--quiet"} + more);
  CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
  CHECK(content_of(run / "monitor.csv.old") == "r,l,t\n");
  const std::vector<std::string> monitor = lines_of(content_of(run / "monitor.csv"));
  REQUIRE(monitor.size() >= 2);
  CHECK(monitor[0].starts_with("#{\"t_start\": "));
  CHECK(monitor[1] == "r,l,t");
  CHECK(content_of(run / "progress.csv").starts_with(progress.substr(0, progress.size() / 2)));
  CHECK(fs::exists(logs_of(run)[2]));
  // From here on they are as good as any.
  const CommandResult again =
      run_bellman({"train", "--quiet", "--resume", run.string(), "--override", "total_timesteps=2900"});
  CHECK_MESSAGE(again.exit_code == 0, again.err);
  check_refused(short_run() + Words{"--new-logs"}, {"--new-logs", "--resume"});
}

TEST_CASE("a run that is finished says so and names what trains on") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  const RunOutcome reference = uninterrupted(short_run(), run);
  const CommandResult result = run_bellman({"train", "--resume", run.string()});
  CHECK(result.exit_code == 0);
  CHECK(contains(result.err, "the run has made its 2,400 steps and is finished"));
  CHECK(contains(result.err, "--override total_timesteps=N"));
  CHECK(contains(result.out, "Nothing was left to train of its 2,400 steps"));
  CHECK_FALSE(contains(result.out, "Trained"));
  check_same(outcome_of(run), reference);

  uninterrupted(
      short_run() + Words{"--solved-return", "5", "--stop-when-solved", "--solve-confirm-episodes", "0"},
      top / "solved");
  const CommandResult solved = run_bellman({"train", "--resume", (top / "solved").string()});
  CHECK(solved.exit_code == 0);
  CHECK(contains(solved.err, "the run was solved at step "));
  CHECK(contains(solved.err, "--override stop_when_solved=false"));
  const CommandResult on =
      run_bellman({"train", "--resume", (top / "solved").string(), "--override", "stop_when_solved=false"});
  CHECK(on.exit_code == 0);
  CHECK(on.err.empty());
  CHECK(contains(on.out, "Trained 2,400 steps"));
}

TEST_CASE(
    "a preset, a configuration file and an edited config.toml that differ from the run are refused by key") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  // Schedules that follow total_timesteps would have a note of their own.
  uninterrupted(short_run() + Words{"--no-anneal-learning-rate", "--no-prioritized"}, run);
  const Words resume = {"train", "--quiet", "--resume", run.string()};
  check_refused(resume + Words{"--preset", "textbok"}, {"unknown preset", "did you mean \"textbook\""});
  check_refused(resume + Words{"--preset", "textbook"}, {"exploration_schedule is ", "(preset textbook)"});
  CHECK(run_bellman(resume + Words{"--preset", "none"}).exit_code == 0);
  const std::string mine = written(top / "mine.toml", "gamma = 0.5\nbatch_size = 99\n");
  check_refused(resume + Words{"--config", mine}, {"gamma is 0.99, not 0.5", "mine.toml:1", "mine.toml:2"});
  check_refused(resume + Words{"--config", mine, "--override", "gamma=0.5"}, {"batch_size is ", "not 99"});

  const std::string own = content_of(run / "config.toml");
  written(run / "config.toml", std::string(own).replace(own.find("gamma = 0.99"), 12, "gamma = 0.75"));
  const std::string before = content_of(run / "config.toml");
  check_refused(resume, {"gamma is 0.99, not 0.75", "config.toml"});
  CHECK(content_of(run / "config.toml") == before);
  written(run / "config.toml", "gamma = \n");
  check_refused(resume, {"config.toml:1"});
  written(run / "config.toml", before);
  CHECK(run_bellman(resume + Words{"--override", "gamma=0.75"}).exit_code == 0);
  fs::remove(run / "config.toml");
  CHECK(run_bellman(resume).exit_code == 0);  // it says nothing
  CHECK(contains(content_of(run / "config.toml"), "gamma = 0.75"));
}

}  // namespace
}  // namespace bellman::test
