#include "apps/base/interrupt.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <unistd.h>

namespace bellman {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};

/// A signal that the guard handles.
struct Handled {
  int signal = 0;  // 0: it is ignored, and not handled
  struct sigaction before {};
};

// A signal handler reaches nothing but globals. The guard writes `handled` before it installs the handler.
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
  // Before the text is written, which may block: a second signal ends that, too.
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
