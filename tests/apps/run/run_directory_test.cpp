#include "apps/run/run_directory.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

void touch(const fs::path& path) { std::ofstream(path) << "x"; }

std::string complaint(const fs::path& path, bool overwrite = false) {
  return error_message([&] { RunDirectory(path, overwrite).keep(); });
}

TEST_CASE("a run directory is created with what is missing above it") {
  const TemporaryDirectory top;
  RunDirectory directory(top / "a/b/c/", false);
  directory.keep();
  CHECK(fs::is_directory(top / "a/b/c"));
  CHECK(directory.path() == top / "a/b/c");
}

TEST_CASE("a run that cannot start leaves nothing behind") {
  const TemporaryDirectory top;
  {
    const RunDirectory directory(top / "a/b", false);
    touch(directory / "config.toml");
    touch(directory / "events.out.tfevents.1.host");
  }
  CHECK(fs::is_empty(top.path()));

  fs::create_directory(top / "there");
  { const RunDirectory directory(top / "there", false); }
  CHECK(fs::is_directory(top / "there"));  // it was not the run's
}

TEST_CASE("an empty directory is taken; another only with overwrite, which spares strange files") {
  const TemporaryDirectory top;
  CHECK(complaint(top.path()) == "no error");
  touch(top / "monitor.csv");
  CHECK(complaint(top.path()) ==
        "run directory " + top.path().string() +
            ": it exists and is not empty (--overwrite replaces the run in it, --resume continues it)");
  CHECK(fs::exists(top / "monitor.csv"));  // a run that is refused takes back nothing of another's
  CHECK(!fs::exists(top / "lock"));
  touch(top / "notes.txt");
  CHECK(complaint(top.path(), true) == "no error");
  CHECK(!fs::exists(top / "monitor.csv"));
  CHECK(fs::exists(top / "notes.txt"));
}

TEST_CASE("what cannot be a run directory is refused with its name") {
  const TemporaryDirectory top;
  touch(top / "file");
  CHECK(complaint(top / "file").find("it exists and is no directory") != std::string::npos);
  CHECK(complaint(top / "file/below").find("file") != std::string::npos);
  CHECK(complaint("").find("the name is empty") != std::string::npos);
  CHECK(complaint(top / std::string(300, 'x')).find("name too long") != std::string::npos);
  CHECK(complaint("/proc/nothing/here").find("/proc/nothing") != std::string::npos);
  // What was created on the way to the failure is gone.
  CHECK(complaint(top / ("new/" + std::string(300, 'x'))) != "no error");
  CHECK(!fs::exists(top / "new"));
}

TEST_CASE("a new run's directory is named after it; names that are taken are passed over") {
  const TemporaryDirectory top;
  std::set<fs::path> paths;
  for (int i = 0; i < 4; ++i) {
    RunDirectory directory = RunDirectory::of_new_run(top / "runs", "CartPole-v1__7");
    directory.keep();
    CHECK(directory.path().parent_path() == top / "runs");
    CHECK(directory.path().filename().string().starts_with("CartPole-v1__7__2"));
    CHECK(fs::exists(directory / "lock"));
    paths.insert(directory.path());
    // Whatever has the next names, they are taken.
    if (i == 1) touch(directory.path().string() + "-2");
    if (i == 1) fs::create_symlink("nowhere", directory.path().string() + "-3");
  }
  CHECK(paths.size() == 4);
}

TEST_CASE("however many runs start in one second, each gets a directory of its own") {
  const TemporaryDirectory top;
  constexpr std::size_t kThreads = 8;
  constexpr int kRuns = 40;
  std::array<std::vector<fs::path>, kThreads> kept;
  std::array<std::string, kThreads> errors;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        errors[t] = error_message([&] {
          for (int i = 0; i < kRuns; ++i) {
            RunDirectory directory = RunDirectory::of_new_run(top / "a/runs", "CartPole-v1__7");
            if (i % 4 != 3) continue;  // most take back what they made: "runs", too, where it is empty then
            directory.keep();
            kept[t].push_back(directory.path());
          }
        });
      });
  }
  std::set<fs::path> all;
  for (std::size_t t = 0; t < kThreads; ++t) {
    CHECK(errors[t] == "no error");
    for (const fs::path& path : kept[t]) {
      CHECK(fs::is_directory(path));
      CHECK(all.insert(path).second);
    }
  }
  CHECK(all.size() == kThreads * kRuns / 4);
}

}  // namespace
}  // namespace bellman::test
