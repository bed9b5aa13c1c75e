// `bellman verify` of a sweep: trains its runs again and compares them with what they saved.
#pragma once

#include <filesystem>
#include <ostream>

namespace bellman {

/// Whether a sweep was started there, or has ended there.
bool is_sweep_directory(const std::filesystem::path& directory);

/// Checks the hashes of the plan and of each run's file. Then trains every run with a saved state to the step
/// of that state, and every run that is over to its results, as many at once as memory allows. Prints each
/// damaged, missing or different file to `out`. Changes nothing, and holds the directory's lock. Returns the
/// command's exit code. Throws: Error when there is nothing to verify, when another process trains there, and
/// when the runs cannot be trained here.
int verify_sweep(const std::filesystem::path& directory, std::ostream& out);

}  // namespace bellman
