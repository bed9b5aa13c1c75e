// Every call of a save fails once, or from then on: no checkpoint is lost, and the run can be resumed. What describes the
// run alone, diagnostics.csv and report.html, does not end it.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "tests/apps/preload.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/long_tests.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

struct Fault {
  std::string files;  // "saved", "logs"
  int call = 0;
  int error = 0;
  bool forever = false;
};

/// Two checkpoints on the way and one at the end; all stay.
Words run_words(const fs::path& directory) {
  return short_run() + Words{"--total-timesteps",
                             "700",
                             "--buffer-size",
                             "300",
                             "--eval-frequency",
                             "350",
                             "--keep",
                             "10",
                             "--run-dir",
                             directory.string()};
}

CommandResult run_with(const Fault& fault, const fs::path& directory, const fs::path& trace = {}) {
  std::map<std::string, std::string> environment = {{"LD_PRELOAD", BELLMAN_FAULTY_IO},
                                                    {"FAULTY_IO_DIRECTORY", directory.string()},
                                                    {"FAULTY_IO_FILES", fault.files},
                                                    {"FAULTY_IO_CALL", std::to_string(fault.call)},
                                                    {"FAULTY_IO_ERRNO", std::to_string(fault.error)}};
  if (fault.forever) environment["FAULTY_IO_FOREVER"] = "1";
  if (!trace.empty()) environment["FAULTY_IO_TRACE"] = trace.string();
  return run_bellman(run_words(directory), {.environment = environment});
}

/// The calls of a run on a good disk, in their order.
std::vector<std::string> calls_of(const std::string& files, const fs::path& top) {
  const CommandResult result = run_with({.files = files}, top / "run", top / "trace");
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  std::vector<std::string> calls = lines_of(read_file(top / "trace", std::size_t{1} << 24));
  fs::remove_all(top / "run");
  fs::remove(top / "trace");
  return calls;
}

/// With the disk good again: the run resumes from the newest checkpoint or, where there is none, starts
/// anew.
void check_finishes(const RunOutcome& reference, const fs::path& directory) {
  if (fs::exists(directory) && !checkpoints_of(directory).empty()) {
    check_resumes_to(reference, directory);
    return;
  }
  const CommandResult result = run_bellman(run_words(directory) + Words{"--overwrite"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  check_same(outcome_of(directory), reference);
}

/// The checkpoints that the run with this trace had renamed before its call of that number.
std::vector<std::string> renamed_before(int call, const fs::path& trace) {
  std::vector<std::string> calls = lines_of(read_file(trace, std::size_t{1} << 24));
  calls.resize(std::min(calls.size(), static_cast<std::size_t>(call - 1)));
  std::vector<std::string> names;
  for (const std::string& line : calls)
    if (const std::size_t name = line.find("checkpoint-");
        line.starts_with("renameat ") && name != std::string::npos)
      names.push_back(line.substr(name));
  return names;
}

/// The run trained to its end, and says in one line what it does not have.
bool spared(const CommandResult& result) {
  return result.exit_code == 0 && result.err.starts_with("bellman train: note: ") &&
         std::count(result.err.begin(), result.err.end(), '\n') == 1 &&
         (result.err.find("/diagnostics.csv: ") != std::string::npos ||
          result.err.find("no new report.html: ") != std::string::npos);
}

/// A disk that fails from a row of diagnostics.csv on ends the recording, and then the run.
CommandResult without_note(CommandResult result) {
  const std::size_t line = result.err.find('\n');
  if (result.err.starts_with("bellman train: note: ") && line + 1 < result.err.size())
    result.err.erase(0, line + 1);
  return result;
}

/// Whether the run ended as if the disk were good.
bool check_fault(const Fault& fault, const RunOutcome& reference, const fs::path& run) {
  CAPTURE(fault.call);
  CAPTURE(fault.error);
  CAPTURE(fault.forever);
  const fs::path trace = run.parent_path() / "trace";
  const CommandResult result = run_with(fault, run, trace);
  // Runs differ by a call or two, as their threads meet: this one may have ended before its call of that number.
  if (lines_of(read_file(trace, std::size_t{1} << 24)).size() < static_cast<std::size_t>(fault.call)) {
    CHECK_MESSAGE(result.exit_code == 0, result.err);
    fs::remove(trace);
    fs::remove_all(run);
    return false;
  }
  const bool is_spared = spared(result);
  if (is_spared) {
    RunOutcome outcome = outcome_of(run);
    if (result.err.find("/diagnostics.csv: ") != std::string::npos) {
      REQUIRE(outcome.diagnostics.size() <= reference.diagnostics.size());
      CHECK(
          std::equal(outcome.diagnostics.begin(), outcome.diagnostics.end(), reference.diagnostics.begin()));
      outcome.diagnostics = reference.diagnostics;
    }
    check_same(outcome, reference);
  } else {
    CHECK(refused(fault.forever ? without_note(result) : result));
  }
  CHECK(result.err.find(fault.error == EIO ? "Input/output error" : "No space left on device") !=
        std::string::npos);
  CHECK(result.err.find(run.string()) != std::string::npos);
  CHECK(temporary_files(run).empty());
  if (fs::exists(run))
    for (const fs::path& path : checkpoints_of(run)) CHECK_NOTHROW(load_checkpoint(path));
  // The model and the checkpoints are saved by two threads, whose calls come in another order each time: this
  // run's own trace says what it had renamed.
  for (const std::string& name : renamed_before(fault.call, trace)) CHECK(fs::exists(run / name));
  fs::remove(trace);
  if (!is_spared) check_finishes(reference, run);
  fs::remove_all(run);
  return is_spared;
}

/// Usually a part of the many writes; always every other call.
bool is_chosen(const std::vector<std::string>& calls, std::size_t k, std::size_t step) {
  return has_long_tests() || !calls[k].starts_with("write ") || k % step == 0 ||
         (calls[k].ends_with("/diagnostics.csv") && k % 2 == 0);
}

void check_faults(const std::string& files, std::size_t step) {
  const TemporaryDirectory temporary;
  const fs::path top = fs::canonical(temporary.path());
  const RunOutcome reference = uninterrupted(run_words(top / "run"), top / "run");
  fs::remove_all(top / "run");
  const std::vector<std::string> calls = calls_of(files, top);
  REQUIRE(calls.size() > 10);
  int faults = 0, without_effect = 0;
  for (std::size_t k = 0; k < calls.size(); ++k) {
    if (!is_chosen(calls, k, step)) continue;
    CAPTURE(calls[k]);
    for (const bool forever : {false, true})
      for (const int error : {ENOSPC, EIO}) {
        if (!has_long_tests() && forever == (error == ENOSPC)) continue;
        const Fault fault = {files, static_cast<int>(k + 1), error, forever};
        without_effect += check_fault(fault, reference, top / "run") ? 1 : 0;
        ++faults;
      }
  }
  CHECK(without_effect > 0);
  MESSAGE("failing disk, " << files << ": " << faults << " faults in the " << calls.size()
                           << " calls of a run; " << without_effect
                           << " of them cost its diagnostics or its report alone");
}

TEST_CASE("a fork whose recording fails says so in a note of its own" * doctest::skip(!kCanPreload)) {
  const TemporaryDirectory top;
  uninterrupted(run_words(top / "parent"), top / "parent");
  const auto fork_with = [&](int call, const fs::path& trace) {
    std::map<std::string, std::string> environment = {{"LD_PRELOAD", BELLMAN_FAULTY_IO},
                                                      {"FAULTY_IO_DIRECTORY", (top / "fork").string()},
                                                      {"FAULTY_IO_FILES", "logs"},
                                                      {"FAULTY_IO_CALL", std::to_string(call)},
                                                      {"FAULTY_IO_ERRNO", std::to_string(ENOSPC)}};
    if (!trace.empty()) environment["FAULTY_IO_TRACE"] = trace.string();
    return run_bellman(
        {"fork", (top / "parent").string(), "--at", "599", "--quiet", "--run-dir", (top / "fork").string()},
        {.environment = environment});
  };
  REQUIRE(fork_with(0, top / "trace").exit_code == 0);
  fs::remove_all(top / "fork");
  const std::vector<std::string> calls = lines_of(read_file(top / "trace", std::size_t{1} << 24));
  std::vector<int> rows;  // calls that write to diagnostics.csv, from the row of step 350 on
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (calls[i].starts_with("write ") && calls[i].ends_with("/diagnostics.csv"))
      rows.push_back(static_cast<int>(i) + 1);
  REQUIRE_FALSE(rows.empty());
  const CommandResult result = fork_with(rows.front(), {});  // while the parent is trained again
  CHECK_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.err.find("bellman fork: note: " + (top / "fork" / "diagnostics.csv").string()) !=
        std::string::npos);
  CHECK(result.err.find("is no longer recorded") != std::string::npos);
  CHECK(result.err.find("bellman train") == std::string::npos);
}

std::map<std::string, std::string> logs_in(const fs::path& run) {
  std::map<std::string, std::string> logs;
  for (const fs::directory_entry& entry : fs::directory_iterator(run))
    if (const std::string name = entry.path().filename().string();
        name.ends_with(".csv") || name.starts_with("events."))
      logs[name] = read_file(entry.path(), std::size_t{1} << 24);
  return logs;
}

TEST_CASE("a resume that the full disk stops at once has cut no log" * doctest::skip(!kCanPreload)) {
  const TemporaryDirectory temporary;
  const fs::path run = fs::canonical(temporary.path()) / "run";
  const RunOutcome reference = uninterrupted(run_words(run), run);
  fs::remove(checkpoints_of(run).front());  // as if killed after the records behind the one before
  const std::map<std::string, std::string> before = logs_in(run);
  REQUIRE(before.size() == 4);
  const auto resume_with = [&](int call, const Words& more) {
    return run_bellman(Words{"train", "--quiet", "--resume", run.string()} + more,
                       {.environment = {{"LD_PRELOAD", BELLMAN_FAULTY_IO},
                                        {"FAULTY_IO_DIRECTORY", run.string()},
                                        {"FAULTY_IO_FILES", "saved"},
                                        {"FAULTY_IO_CALL", std::to_string(call)},
                                        {"FAULTY_IO_ERRNO", std::to_string(ENOSPC)},
                                        {"FAULTY_IO_FOREVER", "1"}}});
  };
  for (const Words& more : {Words{}, Words{"--no-report"}, Words{"--override", "learning_rate=1e-4"}})
    for (const int call : {1, 2, 3, 4}) {  // of config.toml: open, write, sync, rename
      CAPTURE(call);
      const CommandResult result = resume_with(call, more);
      CHECK(refused(result));
      CHECK(result.err.find(run.string()) != std::string::npos);
      CHECK(logs_in(run) == before);
    }
  check_resumes_to(reference, run);
}

TEST_CASE("a save that fails at any call loses no checkpoint" * doctest::skip(!kCanPreload)) {
  check_faults("saved", 25);
}

TEST_CASE("a log that fails at any call loses no checkpoint" * doctest::skip(!kCanPreload)) {
  check_faults("logs", 8);
}

}  // namespace
}  // namespace bellman::test
