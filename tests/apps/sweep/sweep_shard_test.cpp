// `bellman sweep --shard` and `--merge`: the shards of a sweep, wherever and in whatever order they were trained, make the
// sweep that one machine would have trained.
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "core/io/files.h"
#include "tests/apps/refusal.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Six runs of 600 steps.
Words sweep_in(const fs::path& directory, const Words& more = {}) {
  return Words{"sweep",  "--quiet",       "--json",      "--seeds",         "3-5",
               "--grid", "gamma=0.9,0.8", "--sweep-dir", directory.string()} +
         short_training() + more;
}

Words merge_into(const fs::path& directory, const Words& shards) {
  return Words{"sweep", "--quiet", "--json", "--sweep-dir", directory.string(), "--merge"} + shards;
}

std::string output_of(const Words& words) {
  const CommandResult result = run_bellman(words);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return without_times(result.out);
}

void train_shards(const fs::path& directory, const std::vector<std::string>& shards) {
  for (const std::string& shard : shards) output_of(sweep_in(directory, {"--shard", shard}));
}

std::size_t run_files_in(const fs::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory))
    files += entry.path().filename().string().starts_with("run-");
  return files;
}

TEST_CASE("shards merge to the sweep of one machine: any number of them, more than there are runs, too") {
  const TemporaryDirectory top;
  const std::string expected = output_of(sweep_in(top / "whole"));
  for (const auto& [shards, files] : std::vector<std::pair<std::vector<std::string>, std::size_t>>{
           {{"1/1"}, 6},
           {{"2/2", "1/2"}, 3},
           {{"4/4", "2/4", "1/4", "3/4"}, 1},
           {{"7/7", "1/7", "2/7", "3/7", "4/7", "5/7", "6/7"}, 0}}) {
    const fs::path directory = top / ("of" + std::to_string(shards.size())), merged = top / "merged";
    train_shards(directory, shards);
    if (shards.size() > 1) {
      const std::string count = std::to_string(shards.size());
      CHECK(run_files_in(directory / ("shard-" + shards.front().substr(0, 1) + "-of-" + count)) == files);
    }
    CHECK(output_of(merge_into(merged, {directory.string()})) == expected);
    for (const char* const file : {"sweep_curves.csv", "best-CartPole-v1.safetensors"})
      CHECK(text_of(merged / file) == text_of(top / "whole" / file));
    CHECK(run_files_in(merged) == 6);
    CHECK(output_of({"sweep", "--quiet", "--json", "--resume", merged.string()}) == expected);
    fs::remove_all(merged);
  }
}

TEST_CASE("the order of the directories, and a shard that ran twice, change no byte") {
  const TemporaryDirectory top;
  train_shards(top / "a", {"1/3", "2/3"});
  train_shards(top / "b", {"3/3", "2/3"});
  const auto merged = [&](const char* name, const Words& shards) {
    REQUIRE(run_bellman(merge_into(top / name, shards)).exit_code == 0);
    std::string bytes;
    for (const char* const file : {"sweep.csv", "sweep_curves.csv", "sweep.json", "sweep.html",
                                   "run-0000-seed4.safetensors", "best-CartPole-v1.safetensors"})
      bytes += text_of(top / name / file);
    return bytes;
  };
  const std::string one = merged("one", {(top / "a").string(), (top / "b").string()});
  CHECK(merged("two", {(top / "b").string(), (top / "a").string()}) == one);
  CHECK(merged("three", {(top / "b" / "shard-3-of-3").string(), (top / "a" / "shard-1-of-3").string(),
                         (top / "b" / "shard-2-of-3").string(), (top / "a").string()}) == one);
  CHECK(merged("four", {(top / "one").string()}) == one);  // a whole sweep is a part of itself
}

TEST_CASE("what is missing is said, and can be trained in the merged sweep") {
  const TemporaryDirectory top;
  const std::string expected = output_of(sweep_in(top / "whole"));
  train_shards(top / "some", {"1/3", "3/3"});
  const CommandResult result = run_bellman(merge_into(top / "merged", {(top / "some").string()}));
  CHECK(result.exit_code == 1);
  CHECK(result.err.find("2 runs of 6 are in none of the directories, the first: gamma=0.9, seed 4") !=
        std::string::npos);
  CHECK(result.err.find("sweep --resume " + (top / "merged").string()) != std::string::npos);
  CHECK(output_of({"sweep", "--quiet", "--json", "--resume", (top / "merged").string()}) == expected);
  CHECK(text_of(top / "merged" / "best-CartPole-v1.safetensors") ==
        text_of(top / "whole" / "best-CartPole-v1.safetensors"));
}

TEST_CASE("a merge that is killed leaves a sweep") {
  const TemporaryDirectory top;
  const std::string expected = output_of(sweep_in(top / "whole"));
  train_shards(top / "some", {"1/2", "2/2"});
  const fs::path merged = top / "merged";
  run_bellman(merge_into(merged, {(top / "some").string()}), {.on_start = [&](int pid) {
                while ((!fs::exists(merged) || run_files_in(merged) == 0) && !has_ended(pid))
                  std::this_thread::yield();
                ::kill(pid, SIGTERM);
              }});
  REQUIRE(run_files_in(merged) > 0);
  CHECK(fs::exists(merged / "sweep_plan.safetensors"));
  CHECK(output_of({"sweep", "--quiet", "--json", "--resume", merged.string()}) == expected);
}

TEST_CASE("--dry-run names the shard") {
  const TemporaryDirectory top;
  Words words = sweep_in(top / "sweep", {"--shard", "2/4", "--dry-run"});
  CHECK(run_bellman(words).out.find("\"shard\":{\"number\":2,\"count\":4,\"runs\":2}") != std::string::npos);
  std::erase(words, "--json");
  CHECK(run_bellman(words).out.find("Shard 2 of 4: 2 of 6 runs. ") != std::string::npos);
  CHECK_FALSE(fs::exists(top / "sweep"));
}

TEST_CASE("a shard that was killed resumes as a shard") {
  const TemporaryDirectory top;
  const fs::path shard = top / "sweep" / "shard-1-of-2";
  const Words words =
      sweep_in(top / "sweep", {"--shard", "1/2", "--jobs", "1", "--total-timesteps", "60000"});
  const CommandResult killed =
      run_bellman(words, {.on_start = [&](int pid) {
                    while (!fs::exists(shard / "run-0000-seed3.safetensors") && !has_ended(pid))
                      std::this_thread::yield();
                    ::kill(pid, SIGKILL);
                  }});
  REQUIRE(killed.signal == SIGKILL);
  output_of({"sweep", "--quiet", "--json", "--resume", shard.string()});
  CHECK(run_files_in(shard) == 3);
  const Words resume = {"sweep", "--resume", shard.string()};
  check_refused(resume + Words{"--seeds", "3-9"}, {"shard 1 of 2", "--merge"});
  check_refused(resume + Words{"--grid", "n_step=2"}, {"shard 1 of 2", "--merge"});
  check_refused(resume + Words{"--shard", "2/2"}, {"--resume", "shard"});
  check_refused({"sweep", "--resume", (top / "sweep").string()}, {"1 shard", "--merge"});
}

TEST_CASE("what is no shard, and what cannot be merged, is refused with its name") {
  const TemporaryDirectory top;
  for (const char* const shard : {"", "1", "0/2", "3/2", "1/0", "a/2", "1/2/3", "-1/2", "1.5/2"})
    check_refused({"sweep", "--sweep-dir", (top / "x").string(), "--shard", shard}, {"--shard"});
  CHECK(!fs::exists(top / "x"));
  train_shards(top / "a", {"1/2"});
  output_of(sweep_in(top / "b", {"--shard", "2/2", "--learning-rate", "0.5"}));
  output_of(sweep_in(top / "c", {"--shard", "1/2", "--seeds", "3-6"}));
  const std::string a = (top / "a").string(), merged = (top / "merged").string();
  check_refused(merge_into(merged, {a, (top / "b").string()}), {"different sweeps", "learning_rate"});
  check_refused(merge_into(merged, {a, (top / "c").string()}), {"different sweeps", "seeds"});
  check_refused(merge_into(merged, {(top / "nothing").string()}), {"--merge", "nothing"});
  check_refused(merge_into(merged, {top.path().string()}), {"--merge", "no sweep"});
  check_refused(merge_into(merged, {a}) + Words{"--gamma", "0.5"}, {"--merge", "settings"});
  check_refused(merge_into(merged, {a}) + Words{"--shard", "1/2"}, {"--merge"});
  for (const Words& more : {Words{}, Words{"--overwrite"}})
    check_refused(merge_into(a + "/shard-1-of-2", {a}) + more, {"--sweep-dir", "shard-1-of-2", "one of"});
  CHECK(fs::exists(top / "a" / "shard-1-of-2" / "run-0000-seed3.safetensors"));
  CHECK(!fs::exists(merged));
}

}  // namespace
}  // namespace bellman::test
