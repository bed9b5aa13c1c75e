// What a finished run leaves, without wall times, which differ between runs.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/run_command.h"

namespace bellman::test {

/// Two runs of the same settings have equal outcomes, however often one of them was stopped in between.
struct RunOutcome {
  std::map<std::string, std::string> tensors;   // of the last checkpoint; none that begins with "time."
  std::map<std::string, std::string> metadata;  // of it; no hashes (of times, too) and no sizes of logs
  std::vector<std::string> monitor;             // "return,length" of each line
  std::vector<std::string> progress;            // its lines without time/fps and time/seconds
  std::vector<std::string> diagnostics;  // its lines without seconds/...; none: the run was not recorded
  std::vector<std::string> events;       // "step tag bits" of each value, none of those two
  std::string model;                     // model.safetensors, byte for byte
};

/// Fails the test when a file is missing or is not what it should be.
RunOutcome outcome_of(const std::filesystem::path& run_directory);

/// CHECKs that they are equal, part by part.
void check_same(const RunOutcome& run, const RunOutcome& reference);

/// The temporary files (core/io/files.h) in a directory.
std::vector<std::filesystem::path> temporary_files(const std::filesystem::path& directory);

/// Trains without a stop in `directory`. Fails the test when that does not end well.
RunOutcome uninterrupted(const std::vector<std::string>& words, const std::filesystem::path& directory);

/// Resumes a run until it has ended by itself, and CHECKs that it left nothing but what `reference` has.
void check_resumes_to(const RunOutcome& reference, const std::filesystem::path& directory);

/// Settings of a run that takes a tenth of a second and makes eight checkpoints.
std::vector<std::string> short_run();

}  // namespace bellman::test
