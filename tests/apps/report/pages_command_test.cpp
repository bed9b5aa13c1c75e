// `bellman show`, `explain`, `report`, `watch` and `lab` as a user runs them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/base/numbers.h"
#include "apps/report/run_data.h"
#include "apps/run/checkpoint.h"
#include "rl/state/training_state.h"
#include "tests/apps/commands/train_run.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/parse_json.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

std::filesystem::path trained(const TemporaryDirectory& directory, const std::string& name, Words more = {}) {
  Words words = kShort;
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), {"--run-dir", (directory.path() / name).string()});
  const CommandResult finished = run_bellman(words);
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  return directory.path() / name;
}

void check_refused(const Words& words, const std::string& part) {
  const CommandResult finished = run_bellman(words);
  CHECK(finished.exit_code == 2);
  CHECK_MESSAGE(contains(finished.err, part), finished.err);
  CHECK(std::count(finished.err.begin(), finished.err.end(), '\n') <= 2);
}

TEST_CASE("show prints a step, a tensor, and all of it as JSON") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string();
  const CommandResult text = run_bellman({"show", "--run-dir", run, "--step", "10", "--sample", "2"});
  REQUIRE_MESSAGE(text.exit_code == 0, text.err);
  CHECK(contains(text.out, "Gradient step 10 of a run on CartPole-v1"));
  CHECK(contains(text.out, "delta = y - Q(s, "));
  const CommandResult json = run_bellman({"show", "--run-dir", run, "--step", "10", "--json"});
  REQUIRE(json.exit_code == 0);
  const nlohmann::json all = parse_json(json.out);
  CHECK(all["gradient_step"] == 10);
  const CommandResult one =
      run_bellman({"show", "--run-dir", run, "--step", "10", "--tensor", "gradient.0.bias", "--json"});
  REQUIRE(one.exit_code == 0);
  bool found = false;
  for (const nlohmann::json& tensor : all["tensors"])
    if (tensor["name"] == "gradient.0.bias") found = tensor == parse_json(one.out);
  CHECK(found);
  check_refused({"show", "--run-dir", run, "--step", "0"}, "--step");
  check_refused({"show", "--run-dir", run, "--step", "999999"}, "there is no gradient step 999999");
  check_refused({"show", "--run-dir", run, "--tensor", "gradent.0.bias"},
                "did you mean \"gradient.0.bias\"?");
  check_refused({"show", "--run-dir", run, "--tensor", "none"}, "has no tensor \"none\" (known: ");
  check_refused({"show", "--run-dir", (directory.path() / "none").string()}, "none");
}

TEST_CASE("a run's step is the same from a checkpoint as from the beginning") {
  const TemporaryDirectory directory;
  const std::string whole = trained(directory, "whole").string();
  const std::string cut =
      trained(directory, "cut", {"--checkpoint-frequency", "300", "--keep", "10"}).string();
  const Words words = {"--step", "200", "--json"};
  const auto shown = [&](const std::string& run) {
    Words all = {"show", "--run-dir", run};
    all.insert(all.end(), words.begin(), words.end());
    const CommandResult finished = run_bellman(all);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    return finished;
  };
  const CommandResult a = shown(whole), b = shown(cut);
  CHECK(a.out == b.out);
  CHECK(contains(a.err, "from the beginning"));
  CHECK(contains(b.err, "from checkpoint-"));
}

TEST_CASE("a step of a run on a device is shown and explained, from a checkpoint, too") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run",
                                  {"--device", "simt", "--batch-size", "8", "--checkpoint-frequency", "150",
                                   "--keep", "10", "--total-timesteps", "300"})
                              .string();
  const Words show = {"show", "--run-dir", run, "--step", "60", "--json"};
  const CommandResult from_checkpoint = run_bellman(show);
  REQUIRE_MESSAGE(from_checkpoint.exit_code == 0, from_checkpoint.err);
  CHECK(contains(from_checkpoint.err, "Trained again from checkpoint-"));
  const nlohmann::json all = parse_json(from_checkpoint.out);
  CHECK(all["device"] == "simt");
  CHECK(all["is_runs_own"] == false);
  std::filesystem::remove(checkpoint_path(run, 150));
  const CommandResult from_beginning = run_bellman(show);
  REQUIRE_MESSAGE(from_beginning.exit_code == 0, from_beginning.err);
  CHECK(contains(from_beginning.err, "Trained again from the beginning"));
  CHECK(from_beginning.out == from_checkpoint.out);
  const std::string page = (directory.path() / "page.html").string();
  const CommandResult explained = run_bellman({"explain", "--run-dir", run, "--step", "60", "-o", page});
  REQUIRE_MESSAGE(explained.exit_code == 0, explained.err);
  CHECK(contains(content_of(page), "on the device simt"));
}

TEST_CASE("a damaged checkpoint is skipped, and the note names the command") {
  const TemporaryDirectory directory;
  const std::filesystem::path run =
      trained(directory, "run", {"--checkpoint-frequency", "150", "--keep", "10"});
  std::vector<std::filesystem::path> checkpoints;
  for (const auto& entry : std::filesystem::directory_iterator(run))
    if (entry.path().filename().string().starts_with("checkpoint-")) checkpoints.push_back(entry.path());
  std::ranges::sort(checkpoints);
  REQUIRE(checkpoints.size() == 4);
  const auto damage = [](const std::filesystem::path& path) {
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('x');
  };
  const auto updates_of = [](const std::filesystem::path& path) {
    return StateReader(load_checkpoint(path).state, "test").count("trainer.gradient_updates");
  };
  const std::string step = std::to_string(updates_of(checkpoints[2]) + 1);
  const Words show = {"show", "--run-dir", run.string(), "--step", step, "--json"};
  const CommandResult whole = run_bellman(show);
  REQUIRE_MESSAGE(whole.exit_code == 0, whole.err);

  damage(checkpoints[2]);  // the one before the step
  const CommandResult from_older = run_bellman(show);
  REQUIRE_MESSAGE(from_older.exit_code == 0, from_older.err);
  CHECK(from_older.out == whole.out);
  CHECK(contains(from_older.err, "bellman show: " + checkpoints[2].string()));
  CHECK(contains(from_older.err, "Trained again from " + checkpoints[1].filename().string()));

  damage(checkpoints[3]);  // the newest
  const std::string page = (directory.path() / "page.html").string();
  for (const Words& words : {show, Words{"explain", "--run-dir", run.string(), "-o", page},
                             Words{"report", run.string(), "-o", page},
                             Words{"fork", run.string(), "--at", "250", "--quiet", "--run-dir",
                                   (directory.path() / "fork").string()}}) {
    const CommandResult finished = run_bellman(words);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    CHECK(contains(finished.err, "bellman " + words[0] + ": " + checkpoints[3].string()));
    CHECK_FALSE(contains(finished.err, "bellman train"));
    CHECK(finished.err.find(checkpoints[3].string()) == finished.err.rfind(checkpoints[3].string()));
  }
  const CommandResult resumed = run_bellman({"train", "--resume", run.string(), "--dry-run"});
  CHECK(contains(resumed.err, "bellman train: " + checkpoints[3].string()));
}

TEST_CASE("explain, report and watch leave pages, and name what they cannot do") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string();
  const std::string page = (directory.path() / "page.html").string();
  for (const Words& words :
       {Words{"explain", "--run-dir", run, "-o", page},
        Words{"explain", "--run-dir", run, "--state", "0,0,0.1,0", "--action", "1", "-o", page},
        Words{"report", run, "-o", page}, Words{"report", run, run, "-o", page},
        Words{"watch", "--checkpoint", run + "/model.safetensors", "--record", page}}) {
    std::filesystem::remove(page);
    const CommandResult finished = run_bellman(words);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    const std::string html = content_of(page);
    CHECK(contains(html, "default-src 'none'"));
    CHECK(html.size() < 3'000'000);
    CHECK_FALSE(contains(html, ">nan<"));
  }
  for (const Words& question : {Words{"--state", "0,0"}, Words{"--state="}, Words{"--action", "7"},
                                Words{"--action="}, Words{"--sample", "99999"}, Words{"--sample="}}) {
    check_refused(Words{"explain", "--run-dir", run, "-o", page} + question, question[0].substr(0, 7));
    CHECK_FALSE(contains(run_bellman(Words{"explain", "--run-dir", run, "-o", page} + question).err,
                         "Trained again"));
  }
  check_refused({"show", "--run-dir", run, "--tensor="}, "--tensor: the step has no tensor \"\"");
  check_refused({"explain", "--run-dir", run, "-o", (directory.path() / "none" / "p.html").string()},
                "p.html");
  check_refused({"watch", "--checkpoint", run + "/model.safetensors", "--record", "a.png"},
                "a.png ends neither in .html nor in .gif");
  check_refused({"watch", "--checkpoint", run + "/model.safetensors", "--speed", "0"}, "--speed");
  std::ofstream(directory.path() / "notes.html") << "notes";
  const CommandResult kept = run_bellman({"watch", "--checkpoint", run + "/model.safetensors", "--record",
                                          (directory.path() / "notes.html").string()});
  CHECK(kept.exit_code == 2);
  CHECK(kept.out.empty());  // it played nothing
  check_refused({"report"}, "at least one run");
  check_refused({"report", (directory.path() / "none").string()}, "none");
  check_refused({"lab", "no-such-bug"}, "unknown bug \"no-such-bug\" (known: no-done-mask, ");
}

TEST_CASE(
    "a report of a run and its forks has a line for each, with their settings and the step of the fork") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string(), fork = (directory.path() / "fork").string();
  const CommandResult forked =
      run_bellman({"fork", run, "--at", "350", "--override", "gamma=0.5", "--quiet", "--run-dir", fork});
  REQUIRE_MESSAGE(forked.exit_code == 0, forked.err);
  const std::string page = (directory.path() / "page.html").string();
  REQUIRE(run_bellman({"report", run, fork, "-o", page}).exit_code == 0);
  const std::string html = content_of(page);
  CHECK(contains(html, "The branches"));
  CHECK(contains(html, "<td>350</td>"));
  CHECK(contains(html, fork + ": gamma=0.5"));
  CHECK(contains(html, "class=\"mark\""));
  CHECK(contains(html, "class=\"curve s1\""));
  CHECK_FALSE(contains(html, "class=\"band"));  // two branches are no sample
  REQUIRE(run_bellman({"report", run, run, "-o", page}).exit_code == 0);
  CHECK_FALSE(contains(content_of(page), "class=\"mark\""));

  // Of a checkpoint too large for a report only the head is read.
  const std::filesystem::path newest = checkpoints_of(fork).front();
  Checkpoint large = load_checkpoint(newest);
  large.state.tensors.push_back({.name = "zeros",
                                 .dtype = DType::kU8,
                                 .shape = {kMostCheckpointBytes},
                                 .bytes = std::vector<std::byte>(kMostCheckpointBytes)});
  save_checkpoint(newest, large);
  REQUIRE(run_bellman({"report", run, fork, "-o", page}).exit_code == 0);
  const std::string of_large = content_of(page);
  CHECK(contains(of_large, "<td>350</td>"));
  CHECK(contains(of_large, fork + ": gamma=0.5"));
  CHECK(contains(of_large, "class=\"mark\""));
  REQUIRE(run_bellman({"report", fork, "-o", page}).exit_code == 0);
  CHECK(contains(content_of(page), "the newest checkpoint is larger than 64 MiB"));
}

TEST_CASE("watch without a terminal prints a line a step") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string();
  const CommandResult finished =
      run_bellman({"watch", "--checkpoint", run + "/model.safetensors", "--seed", "3"});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  CHECK(contains(finished.out, "CartPole-v1, episode 1\nstep 0: "));
  CHECK(contains(finished.out, "the end, return "));
  CHECK(finished.out ==
        run_bellman({"watch", "--checkpoint", run + "/model.safetensors", "--seed", "3"}).out);
}

TEST_CASE("a hostile run directory cannot put a tag on a page") {
  const TemporaryDirectory directory;
  const std::string name = "<script>alert(1)<";
  const std::string run = trained(directory, name).string();
  std::ofstream(std::filesystem::path(run) / "progress.csv")
      << "time/total_timesteps,<img src=x>,train/loss\n1,2,3\n2,3,4\n";
  const std::string page = (directory.path() / "page.html").string();
  for (const Words& words :
       {Words{"report", run, run, "-o", page}, Words{"explain", "--run-dir", run, "-o", page},
        Words{"watch", "--checkpoint", run + "/model.safetensors", "--record", page}}) {
    const CommandResult finished = run_bellman(words);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    const std::string html = content_of(page);
    CHECK_FALSE(contains(html, "<script>alert"));
    CHECK_FALSE(contains(html, "<img"));
  }
  std::ofstream(std::filesystem::path(run) / "progress.csv") << "a,b\n1\n";
  const CommandResult odd = run_bellman({"report", run, "-o", page});
  CHECK(odd.exit_code == 0);
  CHECK(contains(odd.err, "bellman report: " + run + "/progress.csv, line 2: 1 cells, the first line has 2"));
}

TEST_CASE("a page replaces a page, and no other file") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string();
  const std::filesystem::path settings = std::filesystem::path(run) / "config.toml";
  const std::string before = content_of(settings);
  for (const Words& words :
       {Words{"report", run}, Words{"explain", "--run-dir", run, "--step", "10"}, Words{"course", "5"},
        Words{"lab", "no-done-mask"}, Words{"gradcheck", "--network", "dense 2", "--sweep"}}) {
    CAPTURE(words);
    check_refused(words + Words{"-o", settings.string()}, "config.toml: is there and is not a page");
    CHECK(content_of(settings) == before);
  }
  check_refused({"course", "5", "--picture", settings.string()},
                "config.toml: is there and is not a picture");
  const std::string page = (directory.path() / "page.html").string();
  for (int time = 0; time < 2; ++time) CHECK(run_bellman({"report", run, "-o", page}).exit_code == 0);
}

TEST_CASE("a log with odd rows is named, and the page is drawn; huge numbers are numbers") {
  const TemporaryDirectory directory;
  const std::string run = trained(directory, "run").string(), page = (directory.path() / "p.html").string();
  const std::filesystem::path log = std::filesystem::path(run) / "diagnostics.csv";
  const std::string whole = content_of(log), head = whole.substr(0, whole.find('\n') + 1);
  const std::vector<std::string> columns = split_list(head.substr(0, head.size() - 1), ',');
  // A row of zeros but for one column.
  const auto row = [&](const std::string& column, const std::string& cell) {
    std::string text;
    for (const std::string& name : columns)
      text += (text.empty() ? "" : ",") + (name == column                   ? cell
                                           : name == "time/total_timesteps" ? "700"
                                                                            : "0");
    return text + "\n";
  };
  struct Case {
    std::string text, named;
  };
  for (const Case& odd :
       {Case{"", "has no column time/total_timesteps"},
        Case{"a,b\n1,2\n", "has no column time/total_timesteps"},
        Case{head + row("time/total_timesteps", "1e300"),
             "line 2, column time/total_timesteps: it is 1e+300"},
        Case{head + row("time/total_timesteps", "nan"), "line 2, column time/total_timesteps: it is nan"},
        Case{head + row("time/total_timesteps", "-5"), "line 2, column time/total_timesteps: it is -5"},
        Case{whole + row("time/total_timesteps", "1"),
             "must be a whole number and at least that of the line before"},
        Case{head + row(columns.back(), "x"), "column " + columns.back() + ": it is no number"}}) {
    CAPTURE(odd.named);
    written(log, odd.text);
    const CommandResult drawn = run_bellman({"report", run, "-o", page});
    CHECK(drawn.exit_code == 0);
    CHECK_MESSAGE(contains(drawn.err, odd.named), drawn.err);
    CHECK(contains(drawn.err, "the page is drawn without it"));
  }
  for (const std::string& column : columns) {
    if (column == "time/total_timesteps") continue;
    CAPTURE(column);
    written(log, head + row(column, "1e308") + row(column, "-1e308"));
    const CommandResult drawn = run_bellman({"report", run, "-o", page});
    CHECK_MESSAGE(drawn.exit_code == 0, drawn.err);
  }
  // A last line without its end is not a row yet.
  written(log, whole + row("", "").substr(0, 9));
  const CommandResult drawn = run_bellman({"report", run, "-o", page});
  CHECK(drawn.exit_code == 0);
  CHECK_MESSAGE(drawn.err.empty(), drawn.err);
}

}  // namespace
}  // namespace bellman::test
