#include "apps/run/run_directory.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <span>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/run/checkpoint.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "lock";
constexpr std::size_t kMostHolderBytes = 300;

bool is_checkpoint(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with("checkpoint-") && name.ends_with(".safetensors");
}

bool is_run_of_a_sweep(const fs::path& path) {
  const std::string name = path.filename().string();
  return (name.starts_with("run-") || name.starts_with("best-")) && name.ends_with(".safetensors");
}

bool is_file_of_a_run(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "config.toml" || name == "monitor.csv" || name == "progress.csv" ||
         name == "diagnostics.csv" || name == "report.html" || name == "model.safetensors" ||
         name == "sweep.csv" || name == "sweep_curves.csv" || name == "sweep.json" || name == "sweep.html" ||
         name == "sweep_plan.safetensors" || is_run_of_a_sweep(path) ||
         name.starts_with("events.out.tfevents.") || is_checkpoint(path) || is_temporary_file(path);
}

/// Returns errors instead of throwing: it also runs in a destructor.
void remove_files(const fs::path& directory, bool (*matches)(const fs::path&), std::error_code& error) {
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (matches(entry->path())) files.push_back(entry->path());
  for (const fs::path& file : files)
    if (!error) fs::remove(file, error);
}

std::string on_this_host() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(" on ") + host.data();
}

/// Whether the text names a process of this machine that no longer exists: it had the lock before.
bool has_ended(const std::string& holder) {
  constexpr std::string_view kProcess = "process ";
  if (!holder.starts_with(kProcess) || !holder.ends_with(on_this_host())) return false;
  int process = 0;
  std::from_chars(holder.data() + kProcess.size(), holder.data() + holder.size(), process);
  return process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
}

/// The owner of the lock. A process that has just taken it needs a moment to write its name.
std::string holder_of(const FileDescriptor& lock) {
  constexpr int kTries = 200;
  constexpr std::chrono::milliseconds kBetween{10};
  std::string holder;
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetween);
    holder.assign(kMostHolderBytes, '\0');
    if (::lseek(lock.get(), 0, SEEK_SET) != 0) fail_with_errno(lock.path(), "read");
    holder.resize(lock.read(std::as_writable_bytes(std::span(holder))));
    if (!holder.empty() && !has_ended(holder)) break;
  }
  return holder.empty() ? "another process" : printable(holder);
}

/// Whether the path still names the open file.
bool is_still_named(const FileDescriptor& file) {
  struct stat open_file = {};
  struct stat named_file = {};
  return ::fstat(file.get(), &open_file) == 0 && ::stat(file.path().c_str(), &named_file) == 0 &&
         open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

fs::path normal(const fs::path& path) {
  if (path.empty()) fail("run directory: the name is empty");
  const fs::path normalised = path.lexically_normal();
  return normalised.has_filename() ? normalised : normalised.parent_path();  // "runs/a/" means "runs/a"
}

/// "20260102-030405", local time.
std::string date_and_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &local);
  return text.data();
}

[[noreturn]] void refuse(const fs::path& path, const std::error_code& error) {
  fail("run directory ", path.string(), ": ", error.message());
}

[[noreturn]] void refuse_as_owned(const fs::path& path, const FileDescriptor& lock) {
  fail("run directory ", path.string(), ": ", holder_of(lock), " is training in it");
}

void require_directory(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    fail("run directory ", path.string(), ": it exists and is no directory");
}

/// Whether it contains at most a lock. Throws: Error when it contains more, without `overwrite`.
bool check_empty(const fs::path& path, bool overwrite) {
  std::error_code error;
  bool empty = true;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
    empty = empty && entry->path().filename() == kLockName;
  if (error) refuse(path, error);
  if (!empty && !overwrite)
    fail("run directory ", path.string(),
         ": it exists and is not empty (--overwrite replaces the run in it, --resume continues it)");
  return empty;
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& path, bool overwrite) : RunDirectory(normal(path)) {
  try {
    if (!create()) require_directory(path_);
    lock();
    make_empty(overwrite);
  } catch (...) {
    remove_created();
    throw;
  }
}

RunDirectory RunDirectory::of_new_run(const fs::path& top, std::string_view name) {
  constexpr int kMost = 10'000;  // in one second
  const std::string first = (top / (std::string(name) + "__" + date_and_time())).string();
  for (int i = 1; i <= kMost; ++i) {
    RunDirectory directory(fs::path(i == 1 ? first : first + "-" + std::to_string(i)));
    if (!directory.create()) continue;  // another run uses it
    directory.lock();
    directory.emptied_ = true;
    return directory;
  }
  fail("run directory ", first, ": it and ", kMost - 1, " similar ones exist");
}

RunDirectory RunDirectory::of_earlier_run(const fs::path& path) {
  RunDirectory directory(normal(path));
  directory.kept_ = true;
  std::error_code error;
  if (!fs::is_directory(directory.path_, error))
    fail("run directory ", directory.path_.string(), ": ", error ? error.message() : "it is no directory");
  directory.lock();
  std::error_code left;  // of unfinished writes of a run that was killed; no other process writes here now
  remove_files(directory.path_, is_temporary_file, left);
  if (left) refuse(directory.path_, left);
  remove_stray_parts(directory.path_);
  return directory;
}

RunDirectory::~RunDirectory() {
  if (!kept_) remove_created();
}

bool RunDirectory::create() {
  constexpr int kTries = 100;
  for (int i = 1;; ++i) {
    std::error_code error;
    std::vector<fs::path> missing;
    for (fs::path p = path_; !p.empty() && !fs::exists(p, error); p = p.parent_path()) {
      if (error) refuse(p, error);
      missing.push_back(p);
    }
    bool created = false;
    while (!missing.empty()) {
      const fs::path& next = missing.back();
      created = fs::create_directory(next, error);
      if (error) break;
      if (created) {  // by this process
        created_.push_back(next);
        sync_directory(next.has_parent_path() ? next.parent_path() : fs::path("."));
      }
      missing.pop_back();
    }
    if (missing.empty() || error == std::errc::file_exists) return created;
    // A run that failed to start may have removed a parent that it had created.
    if (error != std::errc::no_such_file_or_directory || i == kTries) refuse(missing.back(), error);
  }
}

/// The lock must be on the file that is there now: another run may have removed the file between open() and
/// flock().
void RunDirectory::lock() {
  const fs::path file = path_ / kLockName;
  for (;;) {
    FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), file, "opened");
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail_with_errno(file, "locked");
      refuse_as_owned(path_, descriptor);
    }
    if (!is_still_named(descriptor)) continue;
    const std::string holder = "process " + std::to_string(::getpid()) + on_this_host();
    if (::ftruncate(descriptor.get(), 0) != 0) fail_with_errno(file, "written");
    descriptor.write(std::as_bytes(std::span(holder)));
    lock_.emplace(std::move(descriptor));
    return;
  }
}

void RunDirectory::make_empty(bool overwrite) {
  const bool empty = check_empty(path_, overwrite);
  std::error_code error;
  // Checkpoints first: whenever the machine stops, no checkpoint of an earlier run is beside the logs of
  // another.
  remove_files(path_, is_checkpoint, error);
  if (error) refuse(path_, error);
  if (!empty) sync_directory(path_);
  remove_files(path_, is_file_of_a_run, error);
  if (error) refuse(path_, error);
  if (!empty) sync_directory(path_);
  emptied_ = true;
}

void RunDirectory::remove_created() noexcept {
  std::error_code ignored;
  if (emptied_) remove_files(path_, is_file_of_a_run, ignored);  // otherwise they belong to another run
  if (lock_) fs::remove(path_ / kLockName, ignored);
  // remove() removes only empty directories: files of others stay.
  for (; !created_.empty(); created_.pop_back()) fs::remove(created_.back(), ignored);
}

void refuse_held_directory(const fs::path& path) {
  const int lock = ::open((path / kLockName).c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return;
  const FileDescriptor descriptor(lock, path / kLockName, "opened");
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    refuse_as_owned(path, descriptor);
}

void refuse_other_kind(const fs::path& path, RunKind kind) {
  std::error_code ignored;
  const bool is_for_run = kind == RunKind::kRun;
  for (const char* const file : is_for_run ? std::array{"sweep_plan.safetensors", "sweep.json"}
                                           : std::array{"config.toml", "monitor.csv"})
    if (fs::exists(path / file, ignored))
      fail("run directory ", path.string(), ": it holds a ", is_for_run ? "sweep" : "run", " (", file,
           "), which --overwrite of a ", is_for_run ? "run" : "sweep", " does not replace");
}

void refuse_sweep(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) fail("run directory ", path.string(), ": there is no such directory");
  const fs::path directory = fs::is_directory(path, ignored) ? path : path.parent_path();  // a run is a file
  for (const char* const file : {"sweep_plan.safetensors", "sweep.json"})
    if (fs::exists(directory / file, ignored) && !fs::exists(directory / "monitor.csv", ignored))
      fail("run directory ", path.string(), ": it is of a sweep (", file,
           "), whose runs have no directories; `bellman train` with a run's settings and seed makes one");
}

void check_run_directory(const fs::path& given, bool overwrite) {
  const fs::path path = normal(given);
  std::error_code error;
  fs::path there = path;  // the innermost that exists
  while (!there.empty() && !fs::exists(there, error)) there = there.parent_path();
  if (there.empty()) there = ".";
  if (!fs::is_directory(there, error)) {
    if (there == path) require_directory(path);
    refuse(path, std::make_error_code(std::errc::not_a_directory));
  }
  if (::access(there.c_str(), W_OK | X_OK) != 0) refuse(path, {errno, std::generic_category()});
  if (there != path) return;
  refuse_held_directory(path);
  check_empty(path, overwrite);
}

}  // namespace bellman
