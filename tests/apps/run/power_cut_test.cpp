// The power fails at any moment of a run, and the disk holds of what was not synced any part: the newest
// checkpoint that the program then finds is the last that was saved, or the one that was being saved, whole,
// and the logs hold what it says of them. Nothing else is possible; a program without one of its syncs would
// be found out.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/fingerprint.h"
#include "apps/run/checkpoint.h"
#include "apps/run/resume.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"
#include "tests/apps/preload.h"
#include "tests/apps/run/file_journal.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/long_tests.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

Words run_words() {
  return short_run() + Words{"--total-timesteps", "900", "--buffer-size", "300", "--eval-frequency", "450",
                             "--log-frequency",   "100", "--keep",        "2"};
}

/// Makes a tree the content of a directory. Files that are there already with the same content stay.
class Disk {
 public:
  explicit Disk(fs::path directory) : directory_(std::move(directory)) {}

  /// `from`: the directory that the tree's paths begin with.
  void hold(const FileTree& tree, const std::string& from) {
    FileTree wanted;
    for (const auto& [path, content] : tree)
      wanted[(directory_ / fs::relative(path, from)).string()] = content;
    for (const auto& [path, content] : there_)
      if (!wanted.contains(path)) fs::remove(path);
    for (const auto& [path, content] : wanted) {
      const auto found = there_.find(path);
      if (found != there_.end() && found->second == content) continue;
      fs::create_directories(fs::path(path).parent_path());
      std::ofstream(path, std::ios::binary) << content;
    }
    there_ = std::move(wanted);
  }
  const fs::path& path() const { return directory_; }

 private:
  fs::path directory_;
  FileTree there_;
};

/// What a checkpoint promises: its logs up to the sizes it gives.
using Logs = std::map<std::string, std::string>;

/// A recorded run and what must be found of it, whenever it is cut off.
class RecordedRun {
 public:
  /// Runs `words` with --run-dir or --resume `directory`, in `top`; what is there before is on the disk.
  RecordedRun(const Words& words, const fs::path& directory, const fs::path& top)
      : directory_(directory.string()), before_(read_tree(top / "files")) {
    const CommandResult result =
        run_bellman(words, {.environment = {{"LD_PRELOAD", BELLMAN_RECORDING_IO},
                                            {"RECORDING_IO_DIRECTORY", top / "files"},
                                            {"RECORDING_IO_JOURNAL", top / "journal"}}});
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    calls_ = read_journal(top / "journal");
    fs::remove(top / "journal");
    const PowerCut all(before_, calls_);
    REQUIRE((all.seen(calls_.size()) == read_tree(top / "files")));  // the journal misses nothing
    note_checkpoints(all);
  }

  const std::vector<FileCall>& calls() const { return calls_; }
  const FileTree& before() const { return before_; }
  const std::string& directory() const { return directory_; }

  /// What is wrong with what the disk holds after the first `count` calls; empty: nothing.
  std::string wrong(std::size_t count, Disk& disk, const FileTree& tree) const {
    const std::string in = directory_ + "/";
    FileTree checkpoints;
    for (const auto& [path, content] : tree)
      if (path.starts_with(in + "checkpoint-")) checkpoints[path] = content;
    disk.hold(checkpoints, directory_);
    std::ostringstream damaged;
    int found = -1;
    Checkpoint checkpoint;
    try {
      fs::create_directories(disk.path());
      checkpoint = find_resume_point(disk.path(), "test", damaged).checkpoint;
      found = number_of(checkpoint);
      if (found < 0) return "a checkpoint that was never saved";
    } catch (const Error&) {
    }
    if (!damaged.str().empty()) return "a checkpoint that is not whole: " + damaged.str();
    const auto& [least, most] = range_[count];
    if (found < least || found > most)
      return "checkpoint " + std::to_string(found) + ", expected " + std::to_string(least) + " to " +
             std::to_string(most);
    if (found >= 0)
      for (const auto& [name, content] : logs_[static_cast<std::size_t>(found)]) {
        const auto log = tree.find(in + name);
        if (log == tree.end()) return name + " is missing";
        if (!log->second.starts_with(content)) return name + " does not hold what the checkpoint says";
      }
    return wrong_config(tree);
  }

 private:
  std::string wrong_config(const FileTree& tree) const {
    const auto config = tree.find(directory_ + "/config.toml");
    if (config == tree.end()) return "";
    if (!configs_.contains(config->second)) return "config.toml is not whole";
    return "";
  }

  static std::string key_of(const Checkpoint& checkpoint) {
    std::string text = checkpoint.config;
    for (const FileTensor& tensor : checkpoint.state.tensors)
      text.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    return xxh64(text);
  }
  int number_of(const Checkpoint& checkpoint) const {
    const auto found = numbers_.find(key_of(checkpoint));
    return found == numbers_.end() ? -1 : found->second;
  }
  int note(const FileTree& tree, const std::string& path) {
    const std::string& content = tree.at(path);
    const Checkpoint checkpoint =
        checkpoint_of(parse_safetensors(std::as_bytes(std::span(content)), path), path);
    Logs logs;
    for (const auto& [name, bytes] : checkpoint.logs)
      logs[name] = tree.at(directory_ + "/" + name).substr(0, static_cast<std::size_t>(bytes));
    logs_.push_back(logs);
    return numbers_[key_of(checkpoint)] = static_cast<int>(logs_.size()) - 1;
  }

  /// Numbers the checkpoints in their order, and says of each moment which may be found. A rename makes one
  /// possible; the sync of the directory after it makes it certain; a removal lets go of it.
  void note_checkpoints(const PowerCut& all) {
    const std::string prefix = directory_ + "/checkpoint-", config = directory_ + "/config.toml";
    int least = -1, most = -1;
    std::map<std::string, int> there;
    for (const auto& [path, content] : before_) {
      if (path.starts_with(prefix)) least = most = there[path] = note(before_, path);
      if (path == config) configs_.insert(content);
    }
    range_.emplace_back(least, most);
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const FileCall& call = calls_[i];
      if (call.kind == "rename" && call.text.starts_with(prefix))
        most = there[call.text] = note(all.seen(i + 1), call.text);
      if (call.kind == "rename" && call.text == config) configs_.insert(all.seen(i + 1).at(config));
      if (call.kind == "remove" && call.path.starts_with(prefix)) {
        there.erase(call.path);
        least = std::min(least, newest(there));
      }
      if (call.kind == "sync_directory" && call.path == directory_) {
        least = newest(there);
        if (least < 0) most = -1;
      }
      range_.emplace_back(least, most);
    }
  }
  static int newest(const std::map<std::string, int>& there) {
    int number = -1;
    for (const auto& [path, each] : there) number = std::max(number, each);
    return number;
  }

  std::string directory_;
  FileTree before_;
  std::vector<FileCall> calls_;
  std::vector<Logs> logs_;                  // of each checkpoint
  std::map<std::string, int> numbers_;      // of checkpoints, by key_of
  std::vector<std::pair<int, int>> range_;  // after so many calls: the checkpoints that may be found
  std::set<std::string> configs_;
};

std::string key_of(const FileTree& tree) {
  std::string text;
  for (const auto& [path, content] : tree) text += path + "\n" + xxh64(content) + "\n";
  return text;
}

struct PowerCuts {
  int moments = 0, disks = 0, wrong = 0;
  std::string first_wrong;
  std::vector<FileTree> some;  // to go on from
};

/// A program that forgets some calls is found out by the first wrong disk: it is the last.
PowerCuts cut_power(const RecordedRun& run, const fs::path& scratch,
                    const std::function<bool(const FileCall&)>& forgotten = {}) {
  constexpr int kAllOf = 5;
  const int samples = has_long_tests() ? 100 : 30;
  PowerCut cut(run.before(), run.calls());
  cut.set_forgotten(forgotten);
  RandomSequence random({1, Purpose::kTest, 17});
  Disk disk(scratch);
  PowerCuts tally;
  std::set<std::string> seen;
  for (std::size_t count = 0; count <= run.calls().size(); ++count) {
    ++tally.moments;
    for (const FileTree& tree : cut.possible(count, kAllOf, samples, random)) {
      if (!seen.insert(std::to_string(count) + key_of(tree)).second) continue;
      ++tally.disks;
      const std::string wrong = run.wrong(count, disk, tree);
      if (!wrong.empty() && tally.wrong++ == 0)
        tally.first_wrong = "after " + std::to_string(count) + " calls: " + wrong;
      if (forgotten && tally.wrong > 0) return tally;
      if (tally.disks % 197 == 0) tally.some.push_back(tree);
    }
  }
  return tally;
}

/// What the program does with some of the disks: it resumes to the same end or, where there is no
/// checkpoint yet, says so.
int go_on(const std::vector<FileTree>& trees, const RecordedRun& run, const RunOutcome& reference,
          const fs::path& top) {
  int resumed = 0;
  const std::size_t every = std::max<std::size_t>(1, trees.size() / (has_long_tests() ? 60 : 10));
  for (std::size_t i = 0; i < trees.size(); i += every) {
    const fs::path directory = top / ("disk" + std::to_string(i));
    Disk(directory).hold(trees[i], run.directory());
    if (!fs::exists(directory) || checkpoints_of(directory).empty()) continue;
    check_resumes_to(reference, directory);
    fs::remove_all(directory);
    ++resumed;
  }
  return resumed;
}

struct Setup {
  TemporaryDirectory temporary;
  fs::path top = fs::canonical(temporary.path());
  fs::path directory = top / "files/run";
  Setup() { fs::create_directories(top / "files"); }
  Words train(const Words& more = {}) const {
    return run_words() + Words{"--run-dir", directory.string()} + more;
  }
};

void check_power_cuts(const char* name, const RecordedRun& run, const Setup& setup,
                      const RunOutcome& reference) {
  const PowerCuts tally = cut_power(run, setup.top / "scratch");
  CHECK(tally.first_wrong == "");
  const int resumed = go_on(tally.some, run, reference, setup.top);
  MESSAGE("power cut, " << std::string(name) << ": " << tally.disks << " disks of " << tally.moments
                        << " moments around " << run.calls().size() << " calls, " << tally.wrong << " wrong; "
                        << resumed << " resumed to the same bits");
}

TEST_CASE("power cut: the old checkpoint or the new one, and its logs" * doctest::skip(!kCanPreload)) {
  const Setup setup;
  const RunOutcome reference = uninterrupted(run_words(), setup.top / "reference");
  const RecordedRun run(setup.train(), setup.directory, setup.top);
  check_power_cuts("a new run", run, setup, reference);
}

TEST_CASE("power cut: a resumed run" * doctest::skip(!kCanPreload)) {
  const Setup setup;
  const Words keep_all = {"--keep", "9"};
  const RunOutcome reference = uninterrupted(run_words() + keep_all, setup.top / "reference");
  REQUIRE(run_bellman(setup.train(keep_all)).exit_code == 0);
  const std::vector<fs::path> all = checkpoints_of(setup.directory);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) fs::remove(all[i]);  // the oldest is left
  const RecordedRun run({"train", "--quiet", "--resume", setup.directory.string()}, setup.directory,
                        setup.top);
  check_power_cuts("a run gone on with", run, setup, reference);
}

TEST_CASE("power cut: a run over another" * doctest::skip(!kCanPreload)) {
  const Setup setup;
  REQUIRE(run_bellman(setup.train({"--seed", "9", "--total-timesteps", "1300"})).exit_code == 0);
  const RecordedRun run(setup.train({"--overwrite"}), setup.directory, setup.top);
  const PowerCuts tally = cut_power(run, setup.top / "scratch");
  CHECK(tally.first_wrong == "");
  MESSAGE("power cut, a run over another: " << tally.disks << " disks of " << tally.moments
                                            << " moments around " << run.calls().size() << " calls, "
                                            << tally.wrong << " wrong");
}

/// The first sync of a directory after a call of that kind, about a path with that in it.
const FileCall* sync_after(const RecordedRun& run, const std::string& kind, const std::string& path) {
  const std::vector<FileCall>& calls = run.calls();
  auto call = std::find_if(calls.begin(), calls.end(), [&](const FileCall& each) {
    return each.kind == kind && each.path.find(path) != std::string::npos;
  });
  call = std::find_if(call, calls.end(), [](const FileCall& each) { return each.kind == "sync_directory"; });
  REQUIRE(call != calls.end());
  return &*call;
}

// The test's own test: a program that leaves out one kind of sync, or a certain one, is found out.
TEST_CASE("power cut: each sync that is left out is missed" * doctest::skip(!kCanPreload)) {
  const Setup setup;
  const RecordedRun run(setup.train(), setup.directory, setup.top);
  const RecordedRun over(setup.train({"--overwrite", "--total-timesteps", "500"}), setup.directory,
                         setup.top);
  std::set<std::uint64_t> logs;
  for (const FileCall& call : run.calls())
    if (call.kind == "create" && call.path.find("/.bellman-") == std::string::npos) logs.insert(call.inode);
  const auto is_found_out = [&](const RecordedRun& of,
                                const std::function<bool(const FileCall&)>& forgotten) {
    return cut_power(of, setup.top / "scratch", forgotten).wrong > 0;
  };
  const auto is_log = [&](const FileCall& call) { return logs.contains(call.inode); };
  const auto is_run = [&](const FileCall& call) { return call.path == run.directory(); };
  const FileCall* const after_logs = sync_after(run, "create", "/monitor.csv");
  const FileCall* const after_removal = sync_after(over, "remove", "/checkpoint-");
  CHECK(cut_power(run, setup.top / "scratch").first_wrong == "");
  int missed = 0;
  missed += is_found_out(run, [&](const FileCall& c) { return c.kind == "sync" && !is_log(c); });
  missed += is_found_out(run, [&](const FileCall& c) { return c.kind == "sync" && is_log(c); });
  missed += is_found_out(run, [&](const FileCall& c) { return c.kind == "sync_directory" && is_run(c); });
  missed += is_found_out(run, [&](const FileCall& c) { return c.kind == "sync_directory" && !is_run(c); });
  missed += is_found_out(run, [&](const FileCall& c) { return &c == after_logs; });
  missed += is_found_out(over, [&](const FileCall& c) { return &c == after_removal; });
  CHECK(missed == 6);
  MESSAGE("power cut, a program that leaves a sync out: " << missed << " of 6 such programs found out");
}

}  // namespace
}  // namespace bellman::test
