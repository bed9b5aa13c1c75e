// Names of files and directories may hold control characters: none reaches stderr, whatever the message.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// It clears the screen, rings the bell, and holds U+009B, which begins a sequence, too.
constexpr const char* kHostile = "a\x1b[2J\x07\xc2\x9b_b";
constexpr const char* kShown = "a [2J \xc2\xa0_b";

/// The message names the file or directory, without control characters.
void check_clean(const CommandResult& result) {
  CAPTURE(result.err);
  CHECK(result.err.find(kShown) != std::string::npos);
  CHECK(result.err.find("\xc2\x9b") == std::string::npos);
  CHECK(std::all_of(result.err.begin(), result.err.end(), [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }));
}

TEST_CASE("no control character of a name reaches stderr: errors") {
  const TemporaryDirectory top;
  const std::string missing = (top / kHostile).string();
  check_clean(run_bellman({"train", "--resume", missing}));
  check_clean(run_bellman({"eval", missing}));
  check_clean(run_bellman({"inspect", missing}));
  check_clean(run_bellman({"train", "--config", missing, "--dry-run"}));
}

TEST_CASE("no control character of a name reaches stderr: notes of a run that is resumed") {
  const TemporaryDirectory top;
  const fs::path run = top / kHostile;
  REQUIRE(run_bellman(short_run() + Words{"--run-dir", (top / "run").string()}).exit_code == 0);
  fs::rename(top / "run", run);
  const std::vector<fs::path> checkpoints = checkpoints_of(run);
  REQUIRE(checkpoints.size() > 1);
  fs::resize_file(checkpoints.front(), 100);  // whichever end the newest is at
  fs::resize_file(checkpoints.back(), 100);
  check_clean(run_bellman({"train", "--resume", run.string()}));
}

TEST_CASE("no control character of a name reaches stderr: notes of a sweep that is resumed") {
  const TemporaryDirectory top;
  const fs::path sweep = top / kHostile;
  const Words made = {"sweep", "--seeds", "3-4", "--sweep-dir", (top / "sweep").string(), "--quiet"};
  REQUIRE(run_bellman(made + short_training()).exit_code == 0);
  fs::rename(top / "sweep", sweep);
  std::vector<fs::path> models;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(sweep))
    if (entry.path().extension() == ".safetensors") models.push_back(entry.path());
  for (const fs::path& model : models)
    if (model.filename().string().starts_with("best-")) fs::remove(model);
  check_clean(run_bellman({"sweep", "--resume", sweep.string(), "--quiet"}));
}

}  // namespace
}  // namespace bellman::test
