// What a run is recorded in: diagnostics.csv while it trains, report.html at its end.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "tests/apps/commands/train_run.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

const Words kCheckpoints = {"--checkpoint-frequency", "300", "--keep", "10"};

CommandResult train(const Words& more, const fs::path& directory) {
  CommandResult result = run_bellman(kShort + kCheckpoints + more + Words{"--run-dir", directory.string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  return result;
}

/// The timesteps of a log's rows.
std::set<std::string> steps_of(const fs::path& log) {
  const std::vector<std::string> lines = lines_of(content_of(log));
  const std::string& head = lines.front();
  std::size_t place = 0;
  for (std::size_t comma = head.find("time/total_timesteps"); comma-- > 0;)
    place += head[comma] == ',' ? 1 : 0;
  std::set<std::string> steps;
  for (std::size_t row = 1; row < lines.size(); ++row) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < place; ++i) begin = lines[row].find(',', begin) + 1;
    steps.insert(lines[row].substr(begin, lines[row].find(',', begin) - begin));
  }
  return steps;
}

TEST_CASE("no byte of a run but its logs depends on the recording, on any device") {
  const TemporaryDirectory top;
  for (const Words& how :
       {Words{"--learner", "fused"}, Words{"--learner", "op-by-op"}, Words{"--env-id", "FrozenLake-v1"},
        Words{"--device", "simt", "--batch-size", "16"},
        Words{"--device", "simt", "--batch-size", "16", "--no-prioritized", "--learner", "fused"}}) {
    CAPTURE(how);
    const fs::path plain = top / "plain", recorded = top / "recorded";
    const CommandResult quiet = train(how + Words{"--no-report"}, plain);
    const CommandResult told = train(how, recorded);
    CHECK(names(recorded) == [&] {
      std::set<std::string> all = names(plain);
      all.insert({"diagnostics.csv", "report.html"});
      return all;
    }());
    CHECK(content_of(plain / "model.safetensors") == content_of(recorded / "model.safetensors"));
    for (const fs::path& path : checkpoints_of(plain)) {
      const Checkpoint a = load_checkpoint(path), b = load_checkpoint(recorded / path.filename());
      CHECK(first_difference(a.state, b.state).empty());
      CHECK(a.config == b.config);
    }
    CHECK(outcome_of(plain).progress == outcome_of(recorded).progress);
    CHECK(contains(told.out, "report.html"));
    CHECK_FALSE(contains(quiet.out, "report.html"));
    fs::remove_all(plain), fs::remove_all(recorded);
  }
}

TEST_CASE("rows of diagnostics.csv are rows of progress.csv, and the page draws them, on any device") {
  const TemporaryDirectory top;
  for (const Words& how : {Words{}, Words{"--device", "simt", "--batch-size", "16"}}) {
    CAPTURE(how);
    const fs::path run = top / "run";
    train(how + Words{"--train-frequency", "1"}, run);
    const std::set<std::string> recorded = steps_of(run / "diagnostics.csv"),
                                all = steps_of(run / "progress.csv");
    CHECK(recorded.size() == 4);  // evaluations at 300 and 600, two hundred gradient steps at 200 and 400
    CHECK(std::includes(all.begin(), all.end(), recorded.begin(), recorded.end()));
    const std::string page = content_of(run / "report.html");
    for (const char* const title : {"Size of the TD errors", "Norm of each parameter's gradient",
                                    "Dead units", "The run's time by phase", "What it learnt from"})
      CHECK_MESSAGE(contains(page, title), std::string(title));
    CHECK(page.size() < 3'000'000);
    CHECK(contains(page, "The run trained on the device simt") == !how.empty());
    CHECK(contains(page, "The device works beside the host") == !how.empty());
    fs::remove_all(run);
  }
}

TEST_CASE("a resumed run records what the whole run records") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({}, run);
  const RunOutcome whole = outcome_of(run);
  fs::remove(run / "checkpoint-000000000600.safetensors");  // as after a kill behind step 300
  written(run / "diagnostics.csv", content_of(run / "diagnostics.csv") + "half a li");
  check_resumes_to(whole, run);
  // A stop of the recording keeps what there is, cut to the checkpoint.
  fs::remove(run / "checkpoint-000000000600.safetensors");
  const CommandResult unrecorded = run_bellman({"train", "--quiet", "--resume", run.string(), "--no-report"});
  REQUIRE_MESSAGE(unrecorded.exit_code == 0, unrecorded.err);
  CHECK(steps_of(run / "diagnostics.csv") == std::set<std::string>{"300"});
  CHECK(load_checkpoint(checkpoints_of(run).front()).logs.contains("diagnostics.csv"));
}

TEST_CASE("a run that was not recorded is from where it is resumed") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({"--no-report"}, run);
  fs::remove(run / "checkpoint-000000000600.safetensors");
  const CommandResult resumed = run_bellman({"train", "--quiet", "--resume", run.string()});
  REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
  CHECK(steps_of(run / "diagnostics.csv") == std::set<std::string>{"400", "600"});
}

TEST_CASE(
    "a damaged diagnostics.csv is refused as the other logs are, unless the run is no longer recorded") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({}, run);
  const Words resume = {"train", "--quiet", "--resume", run.string()};
  written(run / "diagnostics.csv", "time/total_timesteps\n");
  check_refused(resume, {"diagnostics.csv", "it has 21 bytes", "--new-logs"});
  const CommandResult anew = run_bellman(resume + Words{"--new-logs"});
  CHECK_MESSAGE(anew.exit_code == 0, anew.err);
  CHECK(content_of(run / "diagnostics.csv.old") == "time/total_timesteps\n");
  written(run / "diagnostics.csv", "again\n");
  const CommandResult again = run_bellman(resume + Words{"--new-logs"});
  CHECK_MESSAGE(again.exit_code == 0, again.err);
  CHECK(content_of(run / "diagnostics.csv.old") == "time/total_timesteps\n");  // nothing is lost
  CHECK(content_of(run / "diagnostics.csv.old.2") == "again\n");
  fs::remove(run / "diagnostics.csv");
  check_refused(resume, {"diagnostics.csv", "it is missing"});
  const CommandResult unrecorded = run_bellman(resume + Words{"--no-report"});
  CHECK_MESSAGE(unrecorded.exit_code == 0, unrecorded.err);
  CHECK_FALSE(fs::exists(run / "diagnostics.csv"));
  CHECK_FALSE(load_checkpoint(checkpoints_of(run).front()).logs.contains("diagnostics.csv"));
}

TEST_CASE("with another map the columns are others: the old file is kept, and a new one begun") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  const std::string small = written(top / "small.txt", "S.\n.G\n"),
                    large = written(top / "large.txt", "S..\n..G\n");
  train({"--env-id", "GridWorld-v0", "--map", small, "--observation", "coordinates"}, run);
  const std::string before = content_of(run / "diagnostics.csv");
  const CommandResult resumed = run_bellman({"train", "--quiet", "--resume", run.string(), "--override",
                                             "map=" + large, "--override", "total_timesteps=900"});
  REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
  CHECK(contains(resumed.err, "diagnostics.csv has other columns than this run's rows"));
  const std::string old = content_of(run / "diagnostics.csv.old");
  // A run's last row comes after its last checkpoint; the target network's lag before its update, before it.
  CHECK(steps_of(run / "diagnostics.csv.old") == std::set<std::string>{"200", "300", "400", "600"});
  CHECK(before.starts_with(old));
  CHECK(steps_of(run / "diagnostics.csv") == std::set<std::string>{"600", "800", "900"});
}

TEST_CASE(
    "a run that is resumed with --diagnostics full begins a new file, and the same detail goes on in it") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({}, run);
  const Words resume = {"train", "--resume", run.string()};
  const CommandResult full =
      run_bellman(resume + Words{"--override", "diagnostics=full", "--override", "total_timesteps=900"});
  REQUIRE_MESSAGE(full.exit_code == 0, full.err);
  CHECK(std::count(full.err.begin(), full.err.end(), '\n') >= 1);
  CHECK(contains(full.err, "it is now diagnostics.csv.old"));
  CHECK_FALSE(contains(content_of(run / "diagnostics.csv.old"), "effective_rank"));
  CHECK(contains(content_of(run / "diagnostics.csv"), "effective_rank/features"));
  CHECK(contains(content_of(run / "report.html"), "Effective rank"));
  const std::string before = content_of(run / "diagnostics.csv");
  const CommandResult on = run_bellman(resume + Words{"--override", "total_timesteps=1200"});
  REQUIRE_MESSAGE(on.exit_code == 0, on.err);
  CHECK_FALSE(contains(on.err, "other columns"));
  const std::string after = content_of(run / "diagnostics.csv");
  CHECK(lines_of(after).front() == lines_of(before).front());
  CHECK(lines_of(after).size() > lines_of(before).size());
}

TEST_CASE("docs/inside.md and the report have every column") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({"--env-id", "FrozenLake-v1", "--prioritized", "--diagnostics", "full", "--train-frequency", "1"},
        run);
  const std::string head = lines_of(content_of(run / "diagnostics.csv")).front() + ",";
  const std::string page = content_of(fs::path(BELLMAN_DOCS) / "inside.md");
  std::set<std::string> groups;
  for (std::size_t begin = 0; begin < head.size(); begin = head.find(',', begin) + 1)
    groups.insert(head.substr(begin, head.find('/', begin) - begin));
  CHECK(groups.size() == 14);
  for (const std::string& group : groups) CHECK_MESSAGE(contains(page, "| `" + group + "/"), group);
  const std::string report = content_of(run / "report.html");
  for (const char* const title :
       {"Effective sample size of a batch", "Dormant units", "Effective rank of the features",
        "How far the target network lags in its parameters", "How far the target network lags in Q",
        "Policy churn", "Distance of Q from the truth", "Overestimation over training time"})
    CHECK_MESSAGE(contains(report, title), std::string(title));
}

TEST_CASE("a page that cannot be written costs a line, and nothing else") {
  const TemporaryDirectory top;
  const fs::path run = top / "run";
  train({}, run);
  fs::remove(run / "report.html");
  fs::create_directory(run / "report.html");
  const CommandResult resumed =
      run_bellman({"train", "--quiet", "--resume", run.string(), "--override", "total_timesteps=700"});
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.out.empty());
  CHECK(std::count(resumed.err.begin(), resumed.err.end(), '\n') == 1);
  CHECK(resumed.err.starts_with("bellman train: note: the run has no new report.html: "));
}

TEST_CASE("the memory of a recording is counted before the run") {
  const Words words = {"train", "--dry-run", "--network", "dense 1500, relu, dense 1500, relu"};
  CHECK(contains(run_bellman(words).out, "records "));
  CHECK_FALSE(contains(run_bellman(words + Words{"--no-report"}).out, "records "));
}

}  // namespace
}  // namespace bellman::test
