// The directory that a run writes its files into.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bellman {

/// Until keep() is called the directory is on trial: its destructor takes back what was created, files of a
/// run and directories alike, so that a run that could not start leaves nothing behind.
class RunDirectory {
 public:
  /// Creates `path` and what is missing above it. An existing directory must be empty; with `overwrite` the
  /// files of an earlier run in it (and no others) are removed. Throws: Error that names the path and what is
  /// wrong with it.
  RunDirectory(const std::filesystem::path& path, bool overwrite);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  std::vector<std::filesystem::path> created_;  // directories, outermost first
  bool kept_ = false;
};

/// "runs/<env_id>__<seed>__<date>-<time>": one that does not exist yet.
std::filesystem::path new_run_path(std::string_view env_id, std::uint64_t seed);

}  // namespace bellman
