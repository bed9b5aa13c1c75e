#include "apps/run_directory.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <system_error>

#include "core/check.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

bool is_file_of_a_run(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "config.toml" || name == "monitor.csv" || name == "progress.csv" ||
         name == "model.safetensors" || name.starts_with("events.out.tfevents.");
}

/// Collects errors instead of throwing: it also runs in a destructor.
void remove_files_of_a_run(const fs::path& directory, std::error_code& error) {
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (is_file_of_a_run(entry->path())) files.push_back(entry->path());
  for (const fs::path& file : files)
    if (!error) fs::remove(file, error);
}

[[noreturn]] void refuse(const fs::path& path, const std::error_code& error) {
  fail("run directory ", path.string(), ": ", error.message());
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& path, bool overwrite) : path_(path.lexically_normal()) {
  if (path.empty()) fail("run directory: the name is empty");
  if (!path_.has_filename()) path_ = path_.parent_path();  // "runs/a/" means "runs/a"
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path p = path_; !p.empty() && !fs::exists(p, error); p = p.parent_path()) {
    if (error) refuse(p, error);
    missing.push_back(p);
  }
  if (missing.empty()) {
    if (!fs::is_directory(path_, error))
      fail("run directory ", path_.string(), ": it exists and is no directory");
    const bool empty = fs::is_empty(path_, error);
    if (error) refuse(path_, error);
    if (!empty && !overwrite)
      fail("run directory ", path_.string(),
           ": it exists and is not empty (--overwrite replaces the run in it)");
    remove_files_of_a_run(path_, error);
    if (error) refuse(path_, error);
  }
  for (; !missing.empty(); missing.pop_back()) {
    if (!fs::create_directory(missing.back(), error) && error) {
      for (; !created_.empty(); created_.pop_back()) {
        std::error_code ignored;
        fs::remove(created_.back(), ignored);
      }
      refuse(missing.back(), error);
    }
    created_.push_back(missing.back());
  }
}

RunDirectory::~RunDirectory() {
  if (kept_) return;
  std::error_code ignored;
  remove_files_of_a_run(path_, ignored);
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
