// Files that are whole or not there: written beside, synced, then renamed over.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace bellman {

/// Replaces `path` by `bytes`: a temporary file in the same directory, fsync, rename, fsync of the directory.
/// Throws: Error that names the file and the system's reason; the temporary file is then gone and an older
/// `path` whole. A `path` that is there but no regular file (a directory, /dev/null) is an error.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
/// Puts more bytes at a file's end. Throws: Error that names the file and the system's reason.
using WriteBytes = std::function<void(std::span<const std::byte>)>;
/// The same of what `content` writes, piece by piece: no copy of the whole is needed. What it throws leaves
/// an older `path` whole, too.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const WriteBytes& write)>& content);

/// What was created, renamed or removed in a directory so far stays so, whatever happens to the machine.
/// Throws: Error that names it and the system's reason.
void sync_directory(const std::filesystem::path& path);

/// Whether this is the name of a temporary file of the above: what a process that was killed left behind.
bool is_temporary_file(const std::filesystem::path& path);

/// The whole file. Throws: Error that names the file and the system's reason, or `max_bytes` when it is
/// longer.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace bellman
