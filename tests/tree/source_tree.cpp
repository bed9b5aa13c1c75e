#include "tests/tree/source_tree.h"

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>

namespace bellman::test {

namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The names in .gitignore, without slashes: this project's are all plain names of folders and files.
std::set<std::string> ignored_names(const fs::path& root) {
  std::set<std::string> names = {".git"};
  std::istringstream lines(content(root / ".gitignore"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('/')) line.erase(0, 1);
    if (line.ends_with('/')) line.pop_back();
    if (!line.empty() && !line.starts_with('#')) names.insert(line);
  }
  return names;
}

}  // namespace

SourceTree read_source_tree(const fs::path& root) {
  const std::set<std::string> ignored = ignored_names(root);
  SourceTree tree;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    if (ignored.contains(it->path().filename().string())) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file() && !it->is_symlink()) {
      tree[it->path().lexically_relative(root).generic_string()] = content(it->path());
    }
  }
  return tree;
}

}  // namespace bellman::test
