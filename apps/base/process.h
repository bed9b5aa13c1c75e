// The process and its surroundings: standard streams, signals, the command that started it, errors as one
// line.
#pragma once

#include <atomic>
#include <deque>
#include <exception>
#include <string>

namespace bellman {

/// Call first in main(). Opens /dev/null in place of each standard stream that is closed: otherwise the next
/// file would get its number, and receive what the program prints. In place of stdout it is open for reading
/// only, so that writing a result there fails as it does on a full disk. A file that reaches the limit on
/// sizes becomes a failed write, not a signal (SIGXFSZ). Throws: Error without /dev/null.
void prepare_process();

/// Whether prepare_process() found stdout closed.
bool stdout_was_closed();

/// For a command whose result is files. After this call a reader of the output that goes away ends the
/// printing, not the program; without it the program ends quietly (SIGPIPE). A closed stdout takes text and
/// loses it, unless the command prints its result there.
void outlive_readers(bool prints_result);

/// Whether text written there reaches nobody: a pipe without a reader, a terminal that was closed.
bool has_lost_reader(int descriptor);

/// The text as one word of a POSIX shell's command, quoted where it must be.
std::string shell_word(const std::string& text);

/// The running program as the user can type it again: the path, or the name on the PATH, that started it,
/// quoted for a shell.
std::string program_to_type();

/// One line for an exception that ends a command or a run. It names the file if there is one.
std::string error_text(const std::exception& error);

/// While it lives, the first SIGINT, SIGTERM, SIGHUP, SIGUSR1 or SIGXCPU only sets a flag. The next one has
/// the effect it had before the guard, which is to end the process at once; SIGXCPU, which the system repeats
/// every second, is excepted. A signal that was ignored stays ignored (nohup, a script's background job).
/// REQUIRES: only one lives at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// The first signal writes `text` to `descriptor` at once, whatever the program is busy with. Another call
  /// replaces the text.
  void announce(int descriptor, std::string text);

  const std::atomic<bool>& flag() const;
  /// The signal that set the flag, 0 when none did.
  int signal() const;
  /// Restores the effect that every signal had before the guard. Returns the final signal().
  int release();

 private:
  std::deque<std::string> texts_;  // all of them: a handler may still be writing one that was replaced
};

}  // namespace bellman
