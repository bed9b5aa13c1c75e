// Memory of the backends that compute on the host.
#pragma once

#include <cstddef>

namespace bellman {

/// 64-byte aligned zeroed memory, a whole number of 64-byte lines; never null, not even for 0 bytes. The
/// caller gives it back with release_host_memory. Throws: Error, with the bytes asked for, when there is not
/// enough, by check_memory() for 64 MiB and more: the system would hand it out, and end the process that
/// fills it.
void* allocate_host_memory(std::size_t bytes);
void release_host_memory(void* memory) noexcept;

}  // namespace bellman
