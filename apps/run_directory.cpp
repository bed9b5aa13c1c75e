#include "apps/run_directory.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "core/printable.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "lock";
constexpr std::size_t kMostHolderBytes = 300;

bool is_file_of_a_run(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "config.toml" || name == "monitor.csv" || name == "progress.csv" ||
         name == "model.safetensors" || name.starts_with("events.out.tfevents.") ||
         (name.starts_with("checkpoint-") && name.ends_with(".safetensors"));
}

/// Collects errors instead of throwing: it also runs in a destructor.
void remove_files_of_a_run(const fs::path& directory, std::error_code& error) {
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (is_file_of_a_run(entry->path())) files.push_back(entry->path());
  for (const fs::path& file : files)
    if (!error) fs::remove(file, error);
}

fs::path normal(const fs::path& path) {
  if (path.empty()) fail("run directory: the name is empty");
  const fs::path normalised = path.lexically_normal();
  return normalised.has_filename() ? normalised : normalised.parent_path();  // "runs/a/" means "runs/a"
}

[[noreturn]] void refuse(const fs::path& path, const std::error_code& error) {
  fail("run directory ", path.string(), ": ", error.message());
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& path, bool overwrite) : RunDirectory(normal(path)) {
  try {
    create_missing();
    lock();
    make_empty(overwrite);
  } catch (...) {
    take_back();
    throw;
  }
}

RunDirectory RunDirectory::of_earlier_run(const fs::path& path) {
  RunDirectory directory(normal(path));
  directory.kept_ = true;
  std::error_code error;
  if (!fs::is_directory(directory.path_, error))
    fail("run directory ", directory.path_.string(), ": ", error ? error.message() : "it is no directory");
  directory.lock();
  return directory;
}

RunDirectory::~RunDirectory() {
  if (!kept_) take_back();
}

void RunDirectory::create_missing() {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path p = path_; !p.empty() && !fs::exists(p, error); p = p.parent_path()) {
    if (error) refuse(p, error);
    missing.push_back(p);
  }
  for (; !missing.empty(); missing.pop_back()) {
    const bool created = fs::create_directory(missing.back(), error);
    if (error) refuse(missing.back(), error);
    if (created) created_.push_back(missing.back());  // not by another process in the meantime
  }
  if (!fs::is_directory(path_, error))
    fail("run directory ", path_.string(), ": it exists and is no directory");
}

/// The lock belongs to the file that is there now: one that another run took back between open() and flock()
/// is none.
void RunDirectory::lock() {
  const fs::path file = path_ / kLockName;
  for (;;) {
    FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), file, "opened");
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail_with_errno(file, "locked");
      std::string holder(kMostHolderBytes, '\0');
      const std::size_t size = descriptor.read(std::as_writable_bytes(std::span(holder)));
      holder.resize(size);
      fail("run directory ", path_.string(), ": ", holder.empty() ? "another process" : printable(holder),
           " is training in it");
    }
    struct stat locked {
    }, there{};
    if (::fstat(descriptor.get(), &locked) != 0 || ::stat(file.c_str(), &there) != 0 ||
        locked.st_ino != there.st_ino)
      continue;
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::string holder = "process " + std::to_string(::getpid()) + " on " + host.data();
    if (::ftruncate(descriptor.get(), 0) != 0) fail_with_errno(file, "written");
    descriptor.write(std::as_bytes(std::span(holder)));
    lock_.emplace(std::move(descriptor));
    return;
  }
}

void RunDirectory::make_empty(bool overwrite) {
  std::error_code error;
  bool empty = true;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error))
    empty = empty && entry->path().filename() == kLockName;
  if (error) refuse(path_, error);
  if (!empty && !overwrite)
    fail("run directory ", path_.string(),
         ": it exists and is not empty (--overwrite replaces the run in it, --resume goes on with it)");
  remove_files_of_a_run(path_, error);
  if (error) refuse(path_, error);
  emptied_ = true;
}

void RunDirectory::take_back() noexcept {
  std::error_code ignored;
  if (emptied_) remove_files_of_a_run(path_, ignored);  // otherwise they are another run's
  if (lock_) fs::remove(path_ / kLockName, ignored);
  // remove() takes empty directories only: what others put there stays.
  for (; !created_.empty(); created_.pop_back()) fs::remove(created_.back(), ignored);
}

fs::path new_run_path(std::string_view env_id, std::uint64_t seed) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y%m%d-%H%M%S", &local);
  const std::string name =
      std::string(env_id) + "__" + std::to_string(seed) + "__" + std::string(date.data());
  fs::path path = fs::path("runs") / name;
  for (int i = 2; fs::exists(path); ++i) path = fs::path("runs") / (name + "-" + std::to_string(i));
  return path;
}

}  // namespace bellman
