#include "apps/interrupt.h"

#include <csignal>

namespace bellman {
namespace {

// A signal handler reaches nothing but globals. These two are written by it and read by the guard.
std::atomic<bool> interrupted{false};
std::atomic<int> received{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  received.store(signal, std::memory_order_relaxed);
  interrupted.store(true, std::memory_order_relaxed);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_DFL);
}

void handle(int signal) {
  struct sigaction old {};
  // Whoever runs us with SIGINT ignored (nohup, a script's background job) means it.
  if (::sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

void restore(int signal) {
  struct sigaction now {};
  if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == on_signal) std::signal(signal, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted = false;
  received = 0;
  handle(SIGINT);
  handle(SIGTERM);
  handle(SIGUSR1);
}

InterruptGuard::~InterruptGuard() {
  restore(SIGINT);
  restore(SIGTERM);
  restore(SIGUSR1);
}

const std::atomic<bool>& InterruptGuard::flag() const { return interrupted; }
int InterruptGuard::signal() const { return received; }

}  // namespace bellman
