// A kernel without __launch_bounds__ may use more registers than a block of its threads has. It then fails at
// launch, and only on a GPU.
#include <regex>

#include "tests/tree/source_tree.h"

namespace bellman::test {

std::vector<std::string> kernels_without_bounds(const SourceTree& tree) {
  static const std::regex kernel("__global__\\s+void\\s+(\\w+)");
  std::vector<std::string> found;
  for (const auto& [path, text] : tree) {
    if (!path.ends_with(".cu") && !path.ends_with(".cuh")) continue;
    if (path.starts_with("tests/cuda/simt/")) continue;  // the executor's own, never compiled for a GPU
    for (auto it = std::sregex_iterator(text.begin(), text.end(), kernel); it != std::sregex_iterator(); ++it)
      if ((*it)[1] != "__launch_bounds__") found.push_back(path + ": " + (*it)[1].str());
  }
  return found;
}

}  // namespace bellman::test
