// Runs a program in a process of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bellman::test {

struct CommandResult {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;      // which one
  std::string out, err;
};

struct CommandOptions {
  std::filesystem::path working_directory{};         // empty: the present one
  std::string input{};                               // on its stdin
  std::map<std::string, std::string> environment{};  // added to this process's
  bool fixed_addresses = false;  // where the system would make them random: some sanitizers cannot have it
  std::filesystem::path stdout_file{};          // instead of CommandResult::out: "/dev/full"
  std::optional<std::uint64_t> largest_file{};  // bytes: RLIMIT_FSIZE
  std::optional<std::uint64_t> most_memory{};   // bytes: RLIMIT_AS
  std::vector<int> closed_streams{};            // of 0, 1 and 2
  std::vector<int> ignored_signals{};           // all others keep their default action
  bool leaves_after_a_line = false;             // stops reading a stream after its first line
  /// Called once, as soon as the process exists and before any of its output is read.
  std::function<void(int pid)> on_start{};
  /// Called whenever stdout grew, with all of it.
  std::function<void(int pid, const std::string& out)> on_output{};
};

/// Fails the test when it cannot be started or takes longer than two minutes, or 20 under the thread
/// sanitizer.
CommandResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                          const CommandOptions& options = {});

/// Whether this child has ended; it stays there to be waited for.
bool has_ended(int pid);

}  // namespace bellman::test
