#include "tests/support/counts/system_call_count.h"

#if defined(__linux__)
#include <csignal>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bellman::test {
namespace {

/// The copy: waits to be traced, works, and exits by the first call after the work's.
[[noreturn]] void work_traced(const std::function<void()>& work) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
  syscall(SYS_kill, getpid(), SIGSTOP);
  work();
  syscall(SYS_exit_group, 0);
  _exit(1);  // not reached
}

/// Continues the copy until its next stop. Returns waitpid()'s status.
int next_stop(pid_t copy, int signal) {
  int status = 0;
  ptrace(PTRACE_SYSCALL, copy, nullptr, signal);
  waitpid(copy, &status, 0);
  return status;
}

/// Whether the stop is a system call's, as the option below marks them.
bool at_a_call(int status) { return WSTOPSIG(status) == (SIGTRAP | 0x80); }

/// A call stops the copy before and after; the exit only before.
std::optional<long> calls_until_the_end(pid_t copy) {
  ptrace(PTRACE_SETOPTIONS, copy, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  long stops = 0;
  int status = next_stop(copy, 0);
  while (WIFSTOPPED(status)) {
    const bool call = at_a_call(status);
    if (call) ++stops;
    status = next_stop(copy, call ? 0 : WSTOPSIG(status));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return (stops - 1) / 2;
}

}  // namespace

std::optional<long> system_calls(const std::function<void()>& work) {
  const pid_t copy = fork();
  if (copy < 0) return std::nullopt;
  if (copy == 0) work_traced(work);
  int status = 0;
  if (waitpid(copy, &status, 0) != copy || !WIFSTOPPED(status)) return std::nullopt;
  return calls_until_the_end(copy);
}

}  // namespace bellman::test
#else
namespace bellman::test {

std::optional<long> system_calls(const std::function<void()>& /*work*/) { return std::nullopt; }

}  // namespace bellman::test
#endif
