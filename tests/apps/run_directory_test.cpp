#include "apps/run_directory.h"

#include <filesystem>
#include <fstream>
#include <string>

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
            ": it exists and is not empty (--overwrite replaces the run in it, --resume goes on with it)");
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

TEST_CASE("a new run's name holds environment and seed") {
  const fs::path path = new_run_path("runs", "CartPole-v1__7");
  CHECK(path.parent_path() == "runs");
  CHECK(path.filename().string().starts_with("CartPole-v1__7__2"));
}

}  // namespace
}  // namespace bellman::test
