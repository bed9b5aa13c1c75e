// Counts the program's mutex locks, from any caller: std::mutex, a condition variable's lock, a
// library.
#pragma once

namespace bellman::test {

/// Calls of pthread_mutex_lock by all threads so far; no other way to take a lock is counted. Linked in only
/// where it is called, and not there under a sanitizer (tests/support/sanitized.h).
long locks();

}  // namespace bellman::test
