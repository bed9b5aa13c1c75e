#include "apps/base/process.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <new>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "apps/base/shell_word.h"
#include "core/base/check.h"

namespace bellman {

void prepare_process() {
  std::signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is taken, which is this one.
    if (::open("/dev/null", O_RDWR) != descriptor)
      fail("standard stream ", descriptor, " is closed, and /dev/null cannot be opened in its place");
  }
}

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }  // write() then fails with EPIPE

bool has_lost_reader(int descriptor) {
  pollfd stream = {descriptor, POLLOUT, 0};
  return ::poll(&stream, 1, 0) == 1 && (stream.revents & (POLLERR | POLLHUP)) != 0;
}

std::string program_to_type() { return shell_word(program_invocation_name); }

std::string error_text(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "not enough memory";
  if (const auto* const file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
    return file->path1().string() + ": " + file->code().message();
  // Of what the program asks for, starting a thread alone fails so.
  const auto* const failure = dynamic_cast<const std::system_error*>(&error);
  if (failure && failure->code() == std::errc::resource_unavailable_try_again)
    return "the system does not start one more thread: " + failure->code().message() +
           " (its limits are ulimit -u, of processes, and ulimit -v, of memory)";
  return error.what();
}

}  // namespace bellman
