// `bellman verify` of a sweep: is what its runs have left what their settings give?
#pragma once

#include <filesystem>
#include <ostream>

namespace bellman {

/// Whether a sweep was begun there, or has ended there.
bool is_sweep_directory(const std::filesystem::path& directory);

/// Checks the hashes of the plan and of each run's file; then trains every run that has left something again
/// from its settings, as many at once as memory holds: one whose state is there to the very moment of it, one
/// that is over to its results. What is damaged, lost or different is named on `out`. Nothing is changed; the
/// directory's lock is held meanwhile. Returns: the command's exit code. Throws: Error when there is nothing
/// to verify, when somebody trains there, and when the runs cannot be trained here.
int verify_sweep(const std::filesystem::path& directory, std::ostream& out);

}  // namespace bellman
