// BELLMAN_SANITIZED: a sanitizer has taken the place of the C library's malloc and locks.
// BELLMAN_THREAD_SANITIZED: it is the thread sanitizer, which does not report aligned_alloc.
// BELLMAN_MEMCHECKED: built to run under valgrind's memcheck (CMakePresets.json). It replaces malloc without
// reporting calls, its own memory and system calls look like the program's, and its arithmetic flushes no
// denormal number to zero.
#pragma once

#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BELLMAN_SANITIZED
#endif
#if __has_feature(thread_sanitizer)
#define BELLMAN_THREAD_SANITIZED
#endif
#else
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BELLMAN_SANITIZED
#endif
#if defined(__SANITIZE_THREAD__)
#define BELLMAN_THREAD_SANITIZED
#endif
#endif
