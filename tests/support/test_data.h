// The committed files that tests read (tests/data).
#pragma once

#include <filesystem>

namespace bellman::test {

/// The folder: BELLMAN_TEST_DATA in the environment, as ctest sets it; else the tests/data nearest above the
/// program, in a build tree within the checkout or beside programs that were copied with it. Where there is
/// none, "tests/data": whoever opens a file there says that it is missing.
std::filesystem::path test_data();

}  // namespace bellman::test
