// Writes down every call by which a program changes files, for a program that is started with this library in
// LD_PRELOAD: what power_cut_test.cpp makes crashes of. The records are those of file_journal.h.
//
//   RECORDING_IO_DIRECTORY  of which files, an absolute path without links
//   RECORDING_IO_JOURNAL    the file that gets the records; it lies elsewhere
//
// A call and its record are one step: no other thread's come between. Nothing is really synced: what would be
// on the disk is what the journal says.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/apps/run/intercepted_io.h"

namespace {

std::recursive_mutex& one_call() {
  static std::recursive_mutex mutex;
  return mutex;
}

bool is_recorded(const std::string& path) { return lies_in(path, variable("RECORDING_IO_DIRECTORY")); }

/// "<kind> <inode> <offset> <bytes of path> <bytes of text>\n", then path and text.
void record(const char* kind, std::uint64_t inode, std::uint64_t offset, const std::string& path,
            const std::string& text) {
  static const int journal =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, variable("RECORDING_IO_JOURNAL").c_str(),
                                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string line = std::string(kind) + " " + std::to_string(inode) + " " + std::to_string(offset) +
                           " " + std::to_string(path.size()) + " " + std::to_string(text.size()) + "\n" +
                           path + text;
  if (::syscall(SYS_write, journal, line.data(), line.size()) != static_cast<long>(line.size())) std::abort();
}

std::uint64_t inode_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

int opened(int directory, const char* path, int flags, int mode) {
  const std::string name = path_at(directory, path);
  const bool there = ::faccessat(directory, path, F_OK, 0) == 0;
  const int descriptor = next<int (*)(int, const char*, int, ...)>("openat")(directory, path, flags, mode);
  if (descriptor < 0 || (flags & O_ACCMODE) == O_RDONLY || !is_recorded(name)) return descriptor;
  const std::uint64_t inode = inode_of(descriptor);
  record(there ? "open" : "create", inode, 0, name, "");
  if (there && (flags & O_TRUNC)) record("truncate", inode, 0, "", "");
  return descriptor;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  const std::lock_guard lock(one_call());
  return opened(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  const std::lock_guard lock(one_call());
  return opened(directory, path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  const std::lock_guard lock(one_call());
  const off_t offset = ::lseek(descriptor, 0, SEEK_CUR);
  const ssize_t written = next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, size);
  if (written > 0 && is_recorded(path_of(descriptor)))
    record("write", inode_of(descriptor), static_cast<std::uint64_t>(offset), "",
           std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(written)));
  return written;
}

int ftruncate(int descriptor, off_t size) noexcept {
  const std::lock_guard lock(one_call());
  const int result = next<int (*)(int, off_t)>("ftruncate")(descriptor, size);
  if (result == 0 && is_recorded(path_of(descriptor)))
    record("truncate", inode_of(descriptor), static_cast<std::uint64_t>(size), "", "");
  return result;
}

int fsync(int descriptor) {
  const std::lock_guard lock(one_call());
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return -1;
  const std::string path = path_of(descriptor);
  if (!is_recorded(path)) return 0;
  if (S_ISDIR(status.st_mode))
    record("sync_directory", 0, 0, path, "");
  else
    record("sync", status.st_ino, 0, "", "");
  return 0;
}

int mkdir(const char* path, mode_t mode) noexcept {
  const std::lock_guard lock(one_call());
  const int result = next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
  const std::string name = path_at(AT_FDCWD, path);
  if (result == 0 && is_recorded(name)) record("make_directory", 0, 0, name, "");
  return result;
}

int renameat(int from, const char* path, int to, const char* target) noexcept {
  const std::lock_guard lock(one_call());
  const int result = next<int (*)(int, const char*, int, const char*)>("renameat")(from, path, to, target);
  if (result == 0 && is_recorded(path_at(to, target)))
    record("rename", 0, 0, path_at(from, path), path_at(to, target));
  return result;
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  const std::lock_guard lock(one_call());
  const int result = next<int (*)(int, const char*, int)>("unlinkat")(directory, path, flags);
  const std::string name = path_at(directory, path);
  if (result == 0 && is_recorded(name)) record("remove", 0, 0, name, "");
  return result;
}

int remove(const char* path) noexcept {
  const std::lock_guard lock(one_call());
  const int result = next<int (*)(const char*)>("remove")(path);
  const std::string name = path_at(AT_FDCWD, path);
  if (result == 0 && is_recorded(name)) record("remove", 0, 0, name, "");
  return result;
}
}
