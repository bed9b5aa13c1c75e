// kill -9 at any moment: the resumed run ends with the bits of one that was never killed.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "apps/run/checkpoint.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/long_tests.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/// When a run is killed. No verdict hangs on it: only where the knife falls.
struct Moment {
  microseconds after{};  // its start; or, in a save, the temporary file's appearance
  int save = 0;          // 0: anywhere; else in the save (config.toml is the first) of this number
};

void kill_at(const Moment& moment, int pid, const fs::path& directory) {
  const fs::path temporary = directory / (".bellman-" + std::to_string(pid) + "-0.tmp");
  const auto is_saving = [&] { return ::access(temporary.c_str(), F_OK) == 0; };
  for (int i = 0; i < moment.save; ++i) {
    while (is_saving() && i > 0 && !has_ended(pid)) std::this_thread::yield();
    while (!is_saving() && !has_ended(pid)) std::this_thread::yield();
  }
  std::this_thread::sleep_for(moment.after);
  ::kill(pid, SIGKILL);  // it is not yet waited for: the number is still its own
}

struct Tally {
  int runs = 0, kills = 0, in_saves = 0, begun_anew = 0, checkpoints_lost = 0;
};

/// Runs `words` in `directory` to the end, killing it again and again on the way.
class KilledRun {
 public:
  KilledRun(std::vector<std::string> words, fs::path directory, microseconds whole, std::uint64_t seed)
      : words_(std::move(words)), directory_(std::move(directory)), whole_(whole), random_(seed) {}

  void finish(Tally& tally) {
    const int kills = between(1, 3);
    start();
    for (int i = 0; i < kills; ++i) {
      const auto newest = checkpoints_of_it();
      const CommandResult result = run_killed();
      if (result.signal != SIGKILL) {  // it was faster
        REQUIRE_MESSAGE(result.exit_code == 0, result.err);
        break;
      }
      ++tally.kills;
      if (!temporary_files(directory_).empty()) ++tally.in_saves;
      if (!newest.empty() && checkpoints_of_it().empty()) ++tally.checkpoints_lost;
      go_on(tally);
    }
    const CommandResult result = run_bellman(next_);
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    CHECK(result.err == "");
    CHECK(temporary_files(directory_).empty());
    ++tally.runs;
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  std::vector<fs::path> checkpoints_of_it() const {
    return fs::exists(directory_) ? checkpoints_of(directory_) : std::vector<fs::path>();
  }

  void start() { next_ = words_ + std::vector<std::string>{"--overwrite", "--run-dir", directory_.string()}; }

  /// How a user continues: from the newest checkpoint or, as the program then says, from the start.
  void go_on(Tally& tally) {
    next_ = {"train", "--quiet", "--resume", directory_.string()};
    if (!checkpoints_of_it().empty()) return;
    check_refused(next_, {directory_.string(), fs::exists(directory_) ? "no checkpoint" : "No such file"});
    ++tally.begun_anew;
    start();
  }

  CommandResult run_killed() {
    Moment moment;
    if (between(0, 1) == 1) {
      moment.save = between(1, 10);
      moment.after = microseconds(between(0, 1) * between(0, 1500));
    } else {
      moment.after = microseconds(between(0, static_cast<int>(whole_.count())));
    }
    return run_bellman(next_, {.on_start = [&](int pid) { kill_at(moment, pid, directory_); }});
  }

  std::vector<std::string> words_, next_;
  fs::path directory_;
  microseconds whole_;
  std::mt19937_64 random_;
};

struct Setting {
  std::string name;
  std::vector<std::string> words;
};

const std::array<Setting, 4> kSettings = {
    {{"uniform replay", {}},
     {"prioritised, three steps, three environments",
      {"--prioritized", "--n-step", "3", "--num-envs", "3", "--dueling"}},
     {"normalised observations", {"--normalize-observation", "--keep", "1"}},
     {"prioritised on the executor",
      {"--prioritized",
       "--device",
       "simt",
       "--network",
       "dense 4, relu",
       "--batch-size",
       "8",
       "--total-timesteps",
       "300",
       "--checkpoint-frequency",
       "40",
       "--buffer-size",
       "100",
       "--learning-starts",
       "50",
       "--eval-frequency",
       "150",
       "--eval-episodes",
       "1",
       "--train-frequency",
       "4"}}}};

/// How many are killed, of all settings together: BELLMAN_KILLED_RUNS, or else 1000 in the long tests.
int killed_runs() {
  if (const char* const asked = std::getenv("BELLMAN_KILLED_RUNS")) return std::atoi(asked);
  return has_long_tests() ? 1000 : 20;
}

TEST_CASE("a run that is killed and resumed ends with the bits of one that was not") {
  const int runs_of_each = killed_runs() / static_cast<int>(kSettings.size());
  Tally all;
  for (const Setting& setting : kSettings) {
    CAPTURE(setting.name);
    const TemporaryDirectory top;
    const std::vector<std::string> words = short_run() + setting.words;
    const auto begin = Clock::now();
    const RunOutcome reference = uninterrupted(words, top / "reference");
    const auto whole = std::chrono::duration_cast<microseconds>(Clock::now() - begin);
    Tally tally;
    for (int i = 0; i < runs_of_each; ++i) {
      CAPTURE(i);
      const fs::path directory = top / ("run" + std::to_string(i));
      KilledRun(words, directory, whole, static_cast<std::uint64_t>(i)).finish(tally);
      check_same(outcome_of(directory), reference);
      fs::remove_all(directory);
    }
    CHECK(tally.checkpoints_lost == 0);
    MESSAGE("kill -9, " << setting.name << ": " << tally.runs << " runs, " << tally.kills << " kills, "
                        << tally.in_saves << " in a save, " << tally.begun_anew
                        << " before the first checkpoint");
    all.in_saves += tally.in_saves;
  }
  WARN(all.in_saves > 0);  // by luck only
}

}  // namespace
}  // namespace bellman::test
