// What the commands that read runs and write pages say of the files that they are given.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/apps/commands/train_run.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

void check_no_page(const Words& words, const std::string& part) {
  const CommandResult finished = run_bellman(words);
  CHECK(finished.exit_code == 2);
  CHECK_MESSAGE(contains(finished.err, part), finished.err);
}

TEST_CASE("a directory that is of a sweep, or not there, is called so") {
  const TemporaryDirectory top;
  std::filesystem::create_directory(top / "sweep");
  std::ofstream(top / "sweep" / "sweep_plan.safetensors") << "";
  std::ofstream(top / "sweep" / "run-0000-seed1.safetensors") << "";
  for (const char* const name : {"sweep", "sweep/", "sweep/run-0000-seed1.safetensors"}) {
    const std::string path = (top / name).string();
    for (const Words& words : {Words{"explain", "--run-dir", path}, Words{"show", "--run-dir", path},
                               Words{"fork", path, "--at", "1", "--run-dir", (top / "f").string()}})
      check_no_page(words, "it is of a sweep");
  }
  for (const Words& words : {Words{"explain", "--run-dir", (top / "none").string()},
                             Words{"show", "--run-dir", (top / "none").string()},
                             Words{"sweep", "--resume", (top / "none").string()}})
    check_no_page(words, "there is no such directory");
}

TEST_CASE("a page is whole though nobody reads stdout, and its name cannot control the terminal") {
  const TemporaryDirectory top;
  const std::string run = (top / "run").string();
  const CommandResult training = run_bellman(kShort + Words{"--run-dir", run});
  REQUIRE_MESSAGE(training.exit_code == 0, training.err);
  const std::string command =
      "'" BELLMAN_COMMAND "' report '" + run + "' -o '" + (top / "q.html").string() + "'";
  CHECK(std::system((command + " >&-").c_str()) == 0);
  CHECK(contains(content_of(top / "q.html"), "</html>"));
  const std::string odd = (top / "a\x1b[31m.html").string();
  const CommandResult named = run_bellman({"report", run, "-o", odd});
  REQUIRE_MESSAGE(named.exit_code == 0, named.err);
  CHECK_FALSE(contains(named.out, "\x1b"));
  CHECK(std::filesystem::exists(odd));
}

}  // namespace
}  // namespace bellman::test
