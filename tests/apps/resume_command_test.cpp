// `bellman train --resume`: what it refuses, and what it takes instead.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/checkpoint.h"
#include "core/io/atomic_file.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
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
  check_refused(resume + Words{"--override", "network=dense 7"}, {"checkpoint-000000002400.safetensors"});
  check_refused(short_run() + Words{"--override", "gamma=0.5"}, {"--override", "--resume"});
  const CommandResult dry = run_bellman(resume + Words{"--dry-run", "--override", "gamma=0.5"});
  CHECK(dry.exit_code == 0);
  CHECK(dry.out.find("It would go on at step 2,400") != std::string::npos);
  CHECK(dry.out.find("override") != std::string::npos);
  const CommandResult json = run_bellman(resume + Words{"--dry-run", "--json"});
  CHECK(json.exit_code == 0);
  CHECK(json.out.find("\"gamma\":{\"value\":0.99,\"origin\":\"checkpoint\"}") != std::string::npos);
  check_same(outcome_of(run), reference);  // nobody has touched it

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
    CHECK(result.err.ends_with("; trying the one before\n"));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    check_same(outcome_of(run), reference);
  }
  MESSAGE("damaged newest checkpoint: " << places.size() << " runs, each went on from the one before");
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
  CHECK(result.err.find("none of its 2 checkpoints is whole") != std::string::npos);
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

TEST_CASE("a log that is shorter than the checkpoint says, or gone, is named") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  uninterrupted(short_run(), run);
  fs::resize_file(run / "progress.csv", 100);
  check_refused({"train", "--resume", run.string()}, {"progress.csv", "100 bytes"});
  fs::remove(run / "monitor.csv");
  check_refused({"train", "--resume", run.string()}, {"monitor.csv", "No such file"});
}

}  // namespace
}  // namespace bellman::test
