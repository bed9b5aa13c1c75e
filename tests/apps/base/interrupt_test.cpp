// Which signals ask a run to end, and their effect before, during and after a run.
#include <array>
#include <csignal>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "apps/base/process.h"

namespace bellman::test {
namespace {

using Handler = void (*)(int);

/// To compare: doctest cannot print a function's address.
bool does(int signal, Handler handler) {
  struct sigaction now {};
  REQUIRE(::sigaction(signal, nullptr, &now) == 0);
  return now.sa_handler == handler;
}

/// Sets what a signal does, and puts it back at the end.
class Disposition {
 public:
  Disposition(int signal, Handler handler) : signal_(signal), before_(std::signal(signal, handler)) {}
  ~Disposition() { std::signal(signal_, before_); }

 private:
  int signal_;
  Handler before_;
};

void a_handler(int) {}

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU};

TEST_CASE("each of the signals raises the flag, once; then all do again what they did before") {
  for (const int signal : kSignals) {
    CAPTURE(signal);
    const Disposition first(SIGINT, SIG_DFL), second(SIGTERM, SIG_DFL), third(SIGHUP, SIG_DFL),
        fourth(SIGUSR1, a_handler), fifth(SIGXCPU, SIG_DFL);
    {
      const InterruptGuard guard;
      CHECK(!guard.flag());
      CHECK(guard.signal() == 0);
      for (const int other : kSignals) CHECK(!does(other, SIG_DFL));
      ::raise(signal);
      CHECK(guard.flag());
      CHECK(guard.signal() == signal);
      for (const int other : {SIGINT, SIGTERM, SIGHUP}) CHECK(does(other, SIG_DFL));
      CHECK(does(SIGUSR1, a_handler));
      ::raise(SIGXCPU);  // which the system sends every second: it ends nothing
      CHECK(guard.signal() == signal);
    }
    CHECK(does(SIGXCPU, SIG_DFL));
    CHECK(does(SIGUSR1, a_handler));
  }
}

TEST_CASE("a signal that is ignored stays ignored: before the first signal, after it and at the end") {
  for (const int ignored : kSignals) {
    CAPTURE(ignored);
    const Disposition nothing(ignored, SIG_IGN);
    const int other = ignored == SIGTERM ? SIGUSR1 : SIGTERM;
    const Disposition usual(other, SIG_DFL);
    {
      const InterruptGuard guard;
      CHECK(does(ignored, SIG_IGN));
      ::raise(ignored);
      CHECK(!guard.flag());
      ::raise(other);
      CHECK(guard.signal() == other);
      CHECK(does(ignored, SIG_IGN));
      ::raise(ignored);
    }
    CHECK(does(ignored, SIG_IGN));
  }
}

TEST_CASE("after release() no signal is handled any more, and the one that came is known") {
  const Disposition first(SIGTERM, SIG_DFL), second(SIGHUP, SIG_DFL);
  InterruptGuard guard;
  ::raise(SIGHUP);
  CHECK(guard.release() == SIGHUP);
  CHECK(does(SIGTERM, SIG_DFL));
  CHECK(does(SIGHUP, SIG_DFL));
}

TEST_CASE("the first signal writes its announcement at once") {
  const Disposition first(SIGTERM, SIG_DFL), second(SIGXCPU, SIG_DFL);
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  InterruptGuard guard;
  guard.announce(ends[1], "Ending early.\n");
  ::raise(SIGTERM);
  ::raise(SIGXCPU);  // the second says nothing
  ::close(ends[1]);
  std::string text(100, ' ');
  text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
  ::close(ends[0]);
  CHECK(text == "Ending early.\n");
}

}  // namespace
}  // namespace bellman::test
