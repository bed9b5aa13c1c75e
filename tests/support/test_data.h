// What tests find outside themselves: committed files (tests/data), a Python with packages.
#pragma once

#include <filesystem>
#include <string>

namespace bellman::test {

/// The folder: BELLMAN_TEST_DATA in the environment, as ctest sets it; else the tests/data nearest above the
/// program, in a build tree within the checkout or beside programs that were copied with it. Without
/// one, "tests/data": opening a file there then fails with its name.
std::filesystem::path test_data();

/// A Python that has Gymnasium: BELLMAN_TEST_PYTHON in the environment, as ctest sets it (scripts/python_environment.sh makes one);
/// else python3.
std::string test_python();

}  // namespace bellman::test
