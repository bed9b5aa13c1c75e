// Files that are whole or not there: written beside, synced, then renamed over.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace bellman {

/// Replaces `path` by `bytes`: a temporary file in the same directory, fsync, rename, fsync of the directory.
/// Throws: Error that names the file and the system's reason; the temporary file is then gone and an older
/// `path` whole.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// The whole file. Throws: Error that names the file and the system's reason, or `max_bytes` when it is
/// longer.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace bellman
