#include "tests/support/run_program.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

#if defined(BELLMAN_THREAD_SANITIZED)  // the executor's fibers cost most there
constexpr std::chrono::minutes kLongest{20};
#else
constexpr std::chrono::minutes kLongest{2};
#endif

/// Both ends of a pipe, closed at the end.
struct Pipe {
  Pipe() { REQUIRE(::pipe(ends.data()) == 0); }
  ~Pipe() {
    close(0);
    close(1);
  }
  void close(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{-1, -1};  // read, write
};

void set_limit(__rlimit_resource resource, const std::optional<std::uint64_t>& bytes) {
  if (!bytes) return;
  const rlimit limit = {*bytes, *bytes};
  ::setrlimit(resource, &limit);
}

/// In the child: almost only system calls; it never returns into the test.
[[noreturn]] void become_command(std::vector<char*>& arguments, const CommandOptions& options, const Pipe& in,
                                 const Pipe& out, const Pipe& err) {
  if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) ::_exit(126);
  const int out_descriptor = options.stdout_file.empty()
                                 ? out.ends[1]
                                 : ::open(options.stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(in.ends[0], STDIN_FILENO);
  ::dup2(out_descriptor, STDOUT_FILENO);
  ::dup2(err.ends[1], STDERR_FILENO);
  for (const Pipe* pipe : {&in, &out, &err})
    for (const int end : pipe->ends) ::close(end);
  for (const int descriptor : options.closed_streams) ::close(descriptor);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGXFSZ, SIGXCPU})
    ::signal(signal, SIG_DFL);
  for (const int signal : options.ignored_signals) ::signal(signal, SIG_IGN);
  set_limit(RLIMIT_FSIZE, options.largest_file);
  set_limit(RLIMIT_AS, options.most_memory);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.fixed_addresses) ::personality(ADDR_NO_RANDOMIZE);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// Appends the bytes that can be read now. False at the end of the stream.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

/// Closes the reading end when a line has been read.
bool left(Pipe& pipe, const std::string& text) {
  const bool leaves = text.find('\n') != std::string::npos;
  if (leaves) pipe.close(0);
  return leaves;
}

/// Reads both streams until the command closes them. False when it takes too long.
bool collect(pid_t pid, Pipe& out, Pipe& err, const CommandOptions& options, CommandResult& result) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  bool out_is_open = true, err_is_open = true;
  while (out_is_open || err_is_open) {
    std::array<pollfd, 2> waiting = {
        {{out_is_open ? out.ends[0] : -1, POLLIN, 0}, {err_is_open ? err.ends[0] : -1, POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), 1000);
    if (waiting[0].revents != 0) {
      out_is_open = read_some(out.ends[0], result.out);
      if (options.on_output) options.on_output(pid, result.out);
    }
    if (waiting[1].revents != 0) err_is_open = read_some(err.ends[0], result.err);
    if (options.leaves_after_a_line) {
      out_is_open = out_is_open && !left(out, result.out);
      err_is_open = err_is_open && !left(err, result.err);
    }
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

}  // namespace

CommandResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                          const CommandOptions& options) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  Pipe in, out, err;
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) become_command(pointers, options, in, out, err);
  // Small enough for the pipe's buffer, so this returns without a reader. Our reading end is still
  // open, so that a command which ended already does no harm.
  REQUIRE(options.input.size() < 4096);
  const ssize_t written = ::write(in.ends[1], options.input.data(), options.input.size());
  in.close(0);
  in.close(1);
  out.close(1);
  err.close(1);

  if (options.on_start) options.on_start(pid);
  CommandResult result;
  const bool in_time = collect(pid, out, err, options, result);
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  REQUIRE(in_time);
  REQUIRE(written == static_cast<ssize_t>(options.input.size()));
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  REQUIRE_MESSAGE(result.exit_code != 127, "cannot start " << program);
  return result;
}

bool has_ended(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

}  // namespace bellman::test
