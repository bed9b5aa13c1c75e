// The committed files that tests read (tests/data).
#pragma once

#include <filesystem>

namespace bellman::test {

/// The folder: BELLMAN_TEST_DATA in the environment, as ctest sets it; else the tests/data nearest above the
/// program, in a build tree within the checkout or beside programs that were copied with it. Without
/// one, "tests/data": opening a file there then fails with its name.
std::filesystem::path test_data();

}  // namespace bellman::test
