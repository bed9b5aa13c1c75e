#include "apps/base/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/base/check.h"

namespace bellman {
namespace {

bool closed_stdout = false;

void open_null(int descriptor, int flags) {
  // open() returns the lowest free number, which is this one.
  if (::open("/dev/null", flags) != descriptor)
    fail("standard stream ", descriptor, " is closed, and /dev/null cannot be opened in its place");
}

bool is_plain(char c) {
  constexpr std::string_view kPlain = "_-./,:=@%+";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPlain.find(c) != std::string_view::npos;
}

}  // namespace

void prepare_process() {
  std::signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    open_null(descriptor, descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR);
    closed_stdout = closed_stdout || descriptor == STDOUT_FILENO;
  }
}

bool stdout_was_closed() { return closed_stdout; }

void outlive_readers(bool prints_result) {
  std::signal(SIGPIPE, SIG_IGN);  // write() then fails with EPIPE
  if (!closed_stdout || prints_result) return;
  ::close(STDOUT_FILENO);
  open_null(STDOUT_FILENO, O_WRONLY);
}

bool has_lost_reader(int descriptor) {
  pollfd stream = {descriptor, POLLOUT, 0};
  return ::poll(&stream, 1, 0) == 1 && (stream.revents & (POLLERR | POLLHUP)) != 0;
}

std::string shell_word(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string program_to_type() { return shell_word(program_invocation_name); }

std::string error_text(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "not enough memory";
  if (const auto* const file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
    return file->path1().string() + ": " + file->code().message();
  // Of the program's system calls only starting a thread fails with this code.
  const auto* const failure = dynamic_cast<const std::system_error*>(&error);
  if (failure && failure->code() == std::errc::resource_unavailable_try_again)
    return "the system cannot start another thread: " + failure->code().message() +
           " (its limits are ulimit -u, of processes, and ulimit -v, of memory)";
  return error.what();
}

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};

/// A signal that the guard handles.
struct Handled {
  int signal = 0;  // 0: it is ignored, and not handled
  struct sigaction before {};
};

// A signal handler reaches only globals. The guard writes `handled` before it installs the handler.
std::array<Handled, kSignals.size()> handled;
std::atomic<bool> interrupted{false};
std::atomic<int> received{0};
std::atomic<const std::string*> notice{nullptr};  // null: none
std::atomic<int> notice_descriptor{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
              std::atomic<const std::string*>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  int none = 0;
  if (!received.compare_exchange_strong(none, signal)) return;
  const int error = errno;
  interrupted = true;
  // Before the text is written, which may block: a second signal must end that, too.
  for (const Handled& other : handled)
    if (other.signal != 0 && other.signal != SIGXCPU) ::sigaction(other.signal, &other.before, nullptr);
  if (const std::string* const text = notice)
    if (::write(notice_descriptor, text->data(), text->size()) < 0) errno = error;  // nobody reads it
  errno = error;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted = false;
  received = 0;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    handled[i] = {};
    struct sigaction action {};
    if (::sigaction(kSignals[i], nullptr, &handled[i].before) != 0) continue;
    if (handled[i].before.sa_handler == SIG_IGN) continue;
    handled[i].signal = kSignals[i];
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_NODEFER;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() { release(); }

int InterruptGuard::release() {
  for (Handled& one : handled) {
    if (one.signal != 0) ::sigaction(one.signal, &one.before, nullptr);
    one.signal = 0;
  }
  notice = nullptr;
  return received;
}

void InterruptGuard::announce(int descriptor, std::string text) {
  texts_.push_back(std::move(text));
  notice_descriptor = descriptor;
  notice = &texts_.back();
}

const std::atomic<bool>& InterruptGuard::flag() const { return interrupted; }
int InterruptGuard::signal() const { return received; }

}  // namespace bellman
