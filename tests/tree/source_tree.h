// The project's own sources as data, for the tests that read them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bellman::test {

/// Path relative to the project's root, with '/', to the file's content.
using SourceTree = std::map<std::string, std::string>;

/// Every file under `root` but those that its .gitignore names and the folder .git. Symbolic links are not
/// followed.
SourceTree read_source_tree(const std::filesystem::path& root);

/// What breaks the rules of who may include whom; one line each, empty when all hold. The rules stand in
/// include_rules.cpp. Only folders of C++ sources (.h, .cpp, .cu, .cuh) are looked at.
std::vector<std::string> broken_include_rules(const SourceTree& tree);

/// Kernels that do not say how many threads a block of theirs has; "file: kernel" each.
std::vector<std::string> kernels_without_bounds(const SourceTree& tree);

/// Lines that name a place on somebody's machine or the host of a package registry; "file:line: text" each.
std::vector<std::string> machine_traces(const SourceTree& tree);

}  // namespace bellman::test
