// What a program did to files (recording_io.cpp), and what of it a disk holds when the power fails at any
// moment.
//
// What is certain is what POSIX says of fsync: of a file, its bytes up to then; of a directory, its entries
// up to then. All else is up to the file system, each change on its own: a write may have reached the disk,
// or not, or some of its sectors (the others hold zeros where the file ended before); a file's name may be
// there without its bytes, a rename or a removal may have happened before what came before it, or not at all.
// A single change of an entry (a rename) happens or does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/rng.h"

namespace bellman::test {

struct FileCall {
  std::string kind;  // as recording_io.cpp writes it: "create", "open", "write", "truncate", "sync", ...
  std::uint64_t inode = 0;  // of files; a number may be given again to a later one
  std::uint64_t offset = 0;
  std::string path;  // of "rename": from
  std::string text;  // what was written; of "rename": to
};

/// The calls of a recorded program, in their order. Throws: Error for a journal that breaks off.
std::vector<FileCall> read_journal(const std::filesystem::path& path);

/// Paths and contents. Directories have no entry; they are there when one was made or a file lies in them.
using FileTree = std::map<std::string, std::string>;

/// What lies under a directory.
FileTree read_tree(const std::filesystem::path& directory);

class PowerCut {
 public:
  /// `before` is on the disk, and the calls begin. REQUIRES: both outlive this.
  PowerCut(const FileTree& before, const std::vector<FileCall>& calls);

  /// Whether a call after which the machine stopped still counts for what fsync promised. Empty: all do. (A
  /// program that forgot such a call would leave the same journal without it.)
  void set_forgotten(std::function<bool(const FileCall&)> forgotten) { forgotten_ = std::move(forgotten); }

  /// The files as the program saw them after the first `count` calls.
  FileTree seen(std::size_t count) const;
  /// What the disk may hold when the power fails after the first `count` calls: every combination of what is
  /// uncertain when these are at most `all_of` changes, or else `samples` of them, among them none, all, and
  /// torn ones in any case.
  std::vector<FileTree> possible(std::size_t count, int all_of, int samples, RandomSequence& random) const;

 private:
  enum class Fate : std::uint8_t { kDone, kLost, kTorn };
  /// Which file each call is about: its number, in the order of their appearance.
  void number_files(const FileTree& before);
  std::vector<std::size_t> uncertain(std::size_t count) const;
  FileTree tree(std::size_t count, const std::vector<Fate>& fates, RandomSequence* random) const;

  const FileTree& before_;
  const std::vector<FileCall>& calls_;
  std::function<bool(const FileCall&)> forgotten_;
  std::vector<std::size_t> files_;               // (calls)
  std::map<std::string, std::size_t> at_first_;  // of the files that were there before
  std::size_t number_of_files_ = 0;
};

}  // namespace bellman::test
