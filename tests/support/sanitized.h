// BELLMAN_SANITIZED: a sanitizer has taken the place of the C library's malloc and locks.
#pragma once

#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BELLMAN_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BELLMAN_SANITIZED
#endif
