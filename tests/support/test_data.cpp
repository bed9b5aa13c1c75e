#include "tests/support/test_data.h"

#include <cstdlib>
#include <system_error>

namespace bellman::test {

std::filesystem::path test_data() {
  namespace fs = std::filesystem;
  if (const char* const named = std::getenv("BELLMAN_TEST_DATA"); named && *named) return named;
  std::error_code error;
  const fs::path place = fs::path("tests") / "data";
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (; !folder.empty(); folder = folder.parent_path()) {
    if (fs::is_directory(folder / place, error)) return folder / place;
    if (folder == folder.root_path()) break;
  }
  return place;
}

std::string test_python() {
  const char* const named = std::getenv("BELLMAN_TEST_PYTHON");
  return named && *named ? named : "python3";
}

}  // namespace bellman::test
