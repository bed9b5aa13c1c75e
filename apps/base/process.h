// The process and what surrounds it: standard streams, readers of its output, limits on files.
#pragma once

#include <exception>
#include <string>

namespace bellman {

/// Call first in main(). Opens /dev/null in place of each standard stream that is closed: otherwise the next
/// file that is opened would get its number, and receive what the program prints. A file that reaches the
/// limit on sizes then is a failed write, no longer a signal (SIGXFSZ). Throws: Error without /dev/null.
void prepare_process();

/// From here on a reader of the output that goes away ends the printing, not the program. Without this call
/// it ends the program quietly (SIGPIPE).
void outlive_readers();

/// Whether what is written there reaches nobody: a pipe whose reader has gone, a terminal that was closed.
bool has_lost_reader(int descriptor);

/// The running program as the user can type it again: the path, or the name on the PATH, that it was started
/// by, quoted for a shell.
std::string program_to_type();

/// One line for an exception that ends a command or a run. It names the file where one is involved.
std::string error_text(const std::exception& error);

}  // namespace bellman
