// The options of `bellman train`, and who reads what it prints.
#pragma once

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "apps/ranks/rank_words.h"
#include "apps/run/run_files.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "rl/ranks/ranks.h"

namespace bellman {

/// The command line's options beside the settings.
struct TrainOptions {
  std::unique_ptr<SettingOptions> settings;
  std::string run_directory, resume;
  std::string label = "bellman train";  // the beginning of notes
  std::vector<std::string> overrides;
  bool overwrite = false, new_logs = false, dry_run = false, json = false, quiet = false, no_report = false;
  CLI::Option* run_directory_option = nullptr;
  CLI::Option* resume_option = nullptr;
  Ranks* ranks = nullptr;    // that train together; null: there is one
  int ranks_on_machine = 1;  // of them

  /// Whether this process has the run's directory, and the user.
  bool leads() const { return !ranks || ranks->rank() == 0; }
  /// Several ranks are not recorded: a Recorder looks at all of a step.
  bool records() const { return !no_report && !ranks; }
  std::ostream& notes() const {
    static std::ostream nowhere(nullptr);
    return leads() ? std::cerr : nowhere;
  }
  // With --json only the one object goes to stdout.
  std::ostream& text() const { return json ? std::cerr : std::cout; }
  int text_descriptor() const { return json ? STDERR_FILENO : STDOUT_FILENO; }
  RunFilesOptions files() const { return {.records = records(), .new_logs = new_logs}; }
};

/// What all ranks must have been given beside the settings, which are compared when they are known.
inline std::vector<RankWord> words_of(const TrainOptions& options) {
  const auto word = [](bool given) { return given ? "given" : "not given"; };
  return {{"--resume", options.resume},
          {"--run-dir", options.run_directory},
          {"--overwrite", word(options.overwrite)},
          {"--new-logs", word(options.new_logs)},
          {"--dry-run", word(options.dry_run)}};
}

}  // namespace bellman
