// What a run does at the limits of disk and memory, and when many start at once.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "rl/train/model_file.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// A run whose model has a few kilobytes, and its checkpoint a hundred times as many.
Words large_replay(const fs::path& directory) {
  return short_run() +
         Words{"--buffer-size", "20000", "--total-timesteps", "20000", "--run-dir", directory.string()};
}

TEST_CASE("where only the model has room, the model is there, and one line names the checkpoint") {
  const TemporaryDirectory top;
  for (const std::string frequency : {"0", "5000"}) {  // the last checkpoint, and one on the way
    CAPTURE(frequency);
    const fs::path run = top / frequency;
    const CommandResult result = run_bellman(large_replay(run) + Words{"--checkpoint-frequency", frequency},
                                             {.largest_file = 100'000});
    CAPTURE(result.err);
    CHECK(refused(result));
    CHECK(result.err.find("checkpoint-") != std::string::npos);
    CHECK(result.err.find("File too large") != std::string::npos);
    CHECK(temporary_files(run).empty());
    CHECK(checkpoints_of(run).empty());
    if (frequency == "0") CHECK(load_model(run / "model.safetensors").timestep > 0);
  }
}

#if !defined(BELLMAN_SANITIZED) && !defined(BELLMAN_MEMCHECKED)
TEST_CASE("a replay that fits is enough: a checkpoint needs no memory beside it") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  const CommandResult result =
      run_bellman({"train", "--buffer-size", "2500000", "--total-timesteps", "30000", "--no-stop-when-solved",
                   "--final-eval-episodes", "1", "--run-dir", run.string()},
                  {.most_memory = std::uint64_t{160} << 20});
  CHECK_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.err.find("training will wait for each checkpoint to be written") != std::string::npos);
  const std::vector<fs::path> checkpoints = checkpoints_of(run);
  REQUIRE(!checkpoints.empty());
  CHECK(load_checkpoint(checkpoints.front()).timestep == 30'000);
  CHECK(fs::file_size(checkpoints.front()) < 3'000'000);  // of 30,000 slots, not of 2,500,000
  // With less it is refused before it begins, and nothing is there.
  const CommandResult refusal =
      run_bellman({"train", "--buffer-size", "25000000", "--run-dir", (top / "large").string()},
                  {.most_memory = std::uint64_t{160} << 20});
  CHECK(refused(refusal));
  CHECK(refusal.err.find("a smaller buffer_size needs less") != std::string::npos);
  CHECK(!fs::exists(top / "large"));
}

TEST_CASE("however little memory there is, a run is done or ends with one line and no temporary file") {
  const TemporaryDirectory top;
  int refusals = 0, others = 0;
  for (std::uint64_t mebibytes = 20; mebibytes <= 400; mebibytes += mebibytes < 120 ? 4 : 40) {
    CAPTURE(mebibytes);
    const CommandOptions little = {.most_memory = mebibytes << 20};
    if (run_bellman({"--version"}, little).exit_code != 0) continue;  // not even the program has room
    const fs::path run = top / "run";
    const CommandResult result =
        run_bellman(large_replay(run) + Words{"--checkpoint-frequency", "5000"}, little);
    CAPTURE(result.err);
    if (result.exit_code == 0) {
      ++others;
      CHECK(load_model(run / "model.safetensors").timestep > 0);
    } else {
      ++refusals;
      CHECK(refused(result));
    }
    CHECK(temporary_files(run).empty());
    if (fs::exists(run))
      for (const fs::path& path : checkpoints_of(run)) CHECK_NOTHROW(load_checkpoint(path));
    fs::remove_all(run);
  }
  CHECK(refusals > 0);
  CHECK(others > 0);
}
#endif

/// Starts a command many times at once, in the directory. Returns the directories of the runs below `top`.
std::set<fs::path> start_at_once(const std::string& words, const fs::path& top, int count) {
  const std::string command = "i=0; while [ $i -lt " + std::to_string(count) + " ]; do " BELLMAN_COMMAND " " +
                              words +
                              " & pids=\"$pids $!\"; i=$((i+1)); done; for p in $pids; do wait $p || "
                              "exit 1; done";
  const CommandResult result = run_program("/bin/sh", {"-c", command}, {.working_directory = top});
  CHECK(result.err == "");
  CHECK(result.exit_code == 0);
  std::set<fs::path> found;
  for (const fs::directory_entry& group : fs::directory_iterator(top))
    for (const fs::directory_entry& run : fs::directory_iterator(group)) found.insert(run.path());
  return found;
}

TEST_CASE("runs and sweeps that start in one second without a directory each get one") {
  const std::string training = " --quiet --preset none --total-timesteps 200 --final-eval-episodes 1";
  const TemporaryDirectory runs;
  const std::set<fs::path> trained = start_at_once("train" + training, runs.path(), 12);
  CHECK(trained.size() == 12);
  for (const fs::path& run : trained) CHECK(fs::exists(run / "model.safetensors"));

  const TemporaryDirectory sweeps;
  const std::set<fs::path> swept = start_at_once("sweep --seeds 1" + training, sweeps.path(), 6);
  CHECK(swept.size() == 6);
  for (const fs::path& sweep : swept) CHECK(fs::exists(sweep / "sweep.json"));
}

}  // namespace
}  // namespace bellman::test
