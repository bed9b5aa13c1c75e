#include "tests/apps/run/file_journal.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;
constexpr std::size_t kNoFile = ~std::size_t{0};
constexpr std::size_t kMostBytes = std::size_t{1} << 28;

bool is_about_bytes(const FileCall& call) { return call.kind == "write" || call.kind == "truncate"; }
bool is_about_entries(const FileCall& call) {
  return call.kind == "create" || call.kind == "rename" || call.kind == "remove" ||
         call.kind == "make_directory";
}
std::string parent(const std::string& path) { return fs::path(path).parent_path().string(); }

/// A write of which some sectors are missing; beyond the file's end they are zeros.
void write_torn(std::string& content, const FileCall& call, RandomSequence& random) {
  const std::size_t end = call.offset + call.text.size();
  if (content.size() < end) content.resize(end, '\0');
  for (std::size_t i = 0; i < call.text.size();) {
    const std::size_t next = std::min(call.text.size(), i + kSector - (call.offset + i) % kSector);
    if (random.word() % 2 == 0) content.replace(call.offset + i, next - i, call.text, i, next - i);
    i = next;
  }
}

void change_bytes(std::string& content, const FileCall& call) {
  if (call.kind == "truncate") {
    content.resize(call.offset, '\0');
    return;
  }
  const std::size_t end = call.offset + call.text.size();
  if (content.size() < end) content.resize(end, '\0');
  content.replace(call.offset, call.text.size(), call.text);
}

}  // namespace

std::vector<FileCall> read_journal(const fs::path& path) {
  const std::string text = read_file(path, kMostBytes);
  std::vector<FileCall> calls;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t line_end = text.find('\n', at);
    if (line_end == std::string::npos) fail(path.string(), ": a record breaks off");
    std::istringstream line(text.substr(at, line_end - at));
    FileCall call;
    std::size_t path_bytes = 0, text_bytes = 0;
    line >> call.kind >> call.inode >> call.offset >> path_bytes >> text_bytes;
    if (!line || text.size() - line_end - 1 < path_bytes + text_bytes)
      fail(path.string(), ": a record breaks off");
    call.path = text.substr(line_end + 1, path_bytes);
    call.text = text.substr(line_end + 1 + path_bytes, text_bytes);
    at = line_end + 1 + path_bytes + text_bytes;
    calls.push_back(std::move(call));
  }
  return calls;
}

FileTree read_tree(const fs::path& directory) {
  FileTree tree;
  if (!fs::exists(directory)) return tree;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) tree[entry.path().string()] = read_file(entry.path(), kMostBytes);
  return tree;
}

PowerCut::PowerCut(const FileTree& before, const std::vector<FileCall>& calls)
    : before_(before), calls_(calls), files_(calls.size(), kNoFile) {
  number_files(before);
}

void PowerCut::number_files(const FileTree& before) {
  std::map<std::string, std::size_t> named;
  for (const auto& [path, content] : before) at_first_[path] = named[path] = number_of_files_++;
  std::map<std::uint64_t, std::size_t> of_inode;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const FileCall& call = calls_[i];
    if (call.kind == "create") {
      named[call.path] = of_inode[call.inode] = files_[i] = number_of_files_++;
    } else if (call.kind == "open") {
      if (!named.contains(call.path)) fail(call.path, ": is opened, and was never created");
      of_inode[call.inode] = files_[i] = named[call.path];
    } else if (is_about_bytes(call) || call.kind == "sync") {
      if (!of_inode.contains(call.inode)) fail(call.kind, " of a file that was never opened");
      files_[i] = of_inode[call.inode];
    } else if (call.kind == "rename") {
      named[call.text] = files_[i] = named.at(call.path);
      named.erase(call.path);
    } else if (call.kind == "remove") {
      named.erase(call.path);
    }
  }
}

FileTree PowerCut::seen(std::size_t count) const {
  return tree(count, std::vector<Fate>(count, Fate::kDone), nullptr);
}

/// From the end: what a later sync made certain.
std::vector<std::size_t> PowerCut::uncertain(std::size_t count) const {
  std::set<std::size_t> synced;
  std::set<std::string> synced_directories;
  std::vector<std::size_t> result;
  for (std::size_t i = count; i-- > 0;) {
    const FileCall& call = calls_[i];
    const bool counts = !forgotten_ || !forgotten_(call);
    if (call.kind == "sync" && counts) synced.insert(files_[i]);
    if (call.kind == "sync_directory" && counts) synced_directories.insert(call.path);
    if (is_about_bytes(call) && !synced.contains(files_[i])) result.push_back(i);
    if (is_about_entries(call) && !synced_directories.contains(parent(call.path))) result.push_back(i);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

FileTree PowerCut::tree(std::size_t count, const std::vector<Fate>& fates, RandomSequence* random) const {
  std::vector<std::string> contents(number_of_files_);
  std::map<std::string, std::size_t> named = at_first_;
  std::set<std::string> lost_directories;
  for (const auto& [path, file] : at_first_) contents[file] = before_.at(path);
  for (std::size_t i = 0; i < count; ++i) {
    const FileCall& call = calls_[i];
    if (call.kind == "make_directory" && fates[i] == Fate::kLost) lost_directories.insert(call.path + "/");
    if (fates[i] == Fate::kLost) continue;
    if (is_about_bytes(call)) {
      if (fates[i] == Fate::kTorn && call.kind == "write")
        write_torn(contents[files_[i]], call, *random);
      else
        change_bytes(contents[files_[i]], call);
    } else if (call.kind == "create") {
      named[call.path] = files_[i];
    } else if (call.kind == "rename") {
      named.erase(call.path);
      named[call.text] = files_[i];
    } else if (call.kind == "remove") {
      named.erase(call.path);
    }
  }
  FileTree tree;
  for (const auto& entry : named) {
    const std::string& path = entry.first;
    const bool lost = std::any_of(lost_directories.begin(), lost_directories.end(),
                                  [&](const std::string& directory) { return path.starts_with(directory); });
    if (!lost) tree[path] = contents[entry.second];
  }
  return tree;
}

std::vector<FileTree> PowerCut::possible(std::size_t count, int all_of, int samples,
                                         RandomSequence& random) const {
  const std::vector<std::size_t> open = uncertain(count);
  std::vector<FileTree> trees;
  const auto add = [&](const std::function<Fate(std::size_t)>& fate_of) {
    std::vector<Fate> fates(count, Fate::kDone);
    for (std::size_t i = 0; i < open.size(); ++i) fates[open[i]] = fate_of(i);
    trees.push_back(tree(count, fates, &random));
  };
  if (open.size() <= static_cast<std::size_t>(all_of)) {
    for (std::size_t lost = 0; lost < std::size_t{1} << open.size(); ++lost)
      add([&](std::size_t i) { return lost >> i & 1 ? Fate::kLost : Fate::kDone; });
    if (!open.empty()) add([&](std::size_t) { return random.word() % 2 ? Fate::kTorn : Fate::kDone; });
    return trees;
  }
  add([](std::size_t) { return Fate::kDone; });
  add([](std::size_t) { return Fate::kLost; });
  // Writes lost and entries kept, and the other way round: what hurts most.
  add([&](std::size_t i) { return is_about_bytes(calls_[open[i]]) ? Fate::kLost : Fate::kDone; });
  add([&](std::size_t i) { return is_about_bytes(calls_[open[i]]) ? Fate::kDone : Fate::kLost; });
  while (static_cast<int>(trees.size()) < samples) {
    const double keep = random.uniform(0, 1);
    add([&](std::size_t) {
      if (random.uniform(0, 1) >= keep) return Fate::kLost;
      return random.word() % 4 == 0 ? Fate::kTorn : Fate::kDone;
    });
  }
  return trees;
}

}  // namespace bellman::test
