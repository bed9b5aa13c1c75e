// A disk that fails, for a program that is started with this library in LD_PRELOAD: of the calls by which
// files are opened to be written, written, synced and renamed in one directory, the k-th fails.
//
//   FAULTY_IO_DIRECTORY  the directory, an absolute path without links
//   FAULTY_IO_FILES      "saved": files written beside and renamed (core/io/files.h), and the directory
//                        itself; "logs": all others but the lock
//   FAULTY_IO_CALL       k, from 1; 0: none fails
//   FAULTY_IO_ERRNO      with which error
//   FAULTY_IO_FOREVER    set: every later call fails, too
//   FAULTY_IO_TRACE      a file that gets a line a call: what it is and of which path
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/apps/run/intercepted_io.h"

namespace {

bool is_counted(const std::string& path) {
  const std::string directory = variable("FAULTY_IO_DIRECTORY");
  if (!lies_in(path, directory)) return false;
  const std::string rest = path.substr(directory.size());
  const bool saved = rest.empty() || rest.compare(0, 10, "/.bellman-") == 0;
  return variable("FAULTY_IO_FILES") == "saved" ? saved : !saved && rest != "/lock";
}

void trace(const std::string& line) {
  const std::string file = variable("FAULTY_IO_TRACE");
  if (file.empty()) return;
  const long descriptor =
      ::syscall(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::syscall(SYS_write, descriptor, line.data(), line.size());
  ::syscall(SYS_close, descriptor);
}

/// Counts a call; true when it is to fail, with errno set.
bool fails(const char* call, const std::string& path, const std::string& target = "") {
  static std::mutex mutex;
  static long calls = 0;
  if (!is_counted(path)) return false;
  const std::lock_guard lock(mutex);  // the trace has the calls of all threads in the order of their numbers
  const long number = ++calls;
  trace(std::string(call) + " " + (target.empty() ? path : target) + "\n");
  const long chosen = std::atol(variable("FAULTY_IO_CALL").c_str());
  if (chosen == 0 || number < chosen) return false;
  if (number > chosen && variable("FAULTY_IO_FOREVER").empty()) return false;
  errno = std::atoi(variable("FAULTY_IO_ERRNO").c_str());
  return true;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  const bool writes = (flags & (O_CREAT | O_WRONLY | O_RDWR | O_DIRECTORY)) != 0;
  if (writes && fails("open", path_at(AT_FDCWD, path))) return -1;
  return next<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  if (fails("openat", path_at(directory, path))) return -1;
  return next<int (*)(int, const char*, int, ...)>("openat")(directory, path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (fails("write", path_of(descriptor))) return -1;
  return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, size);
}

int fsync(int descriptor) {
  if (fails("fsync", path_of(descriptor))) return -1;
  return next<int (*)(int)>("fsync")(descriptor);
}

int renameat(int from, const char* path, int to, const char* target) noexcept {
  if (fails("renameat", path_at(from, path), path_at(to, target))) return -1;
  return next<int (*)(int, const char*, int, const char*)>("renameat")(from, path, to, target);
}
}
