// Annotations for the sanitizers, so that they see CUDA threads although one host thread runs them all.
// Without a sanitizer they do nothing.
//
// The thread sanitizer treats each fiber as a thread (fiber.cpp). Two accesses race unless one *happens
// before* the other, and only the publish/observe pairs below order CUDA threads: at a launch's start and
// end, at __syncthreads and at __syncwarp. Switching fibers orders nothing. All fibers share the executor's
// own bookkeeping, which is no part of the kernel: it runs Unwatched.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define BELLMAN_SIMT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BELLMAN_SIMT_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define BELLMAN_SIMT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BELLMAN_SIMT_THREAD_SANITIZER 1
#endif
#endif

/// For functions that no sanitizer may instrument, because they change stacks.
#define BELLMAN_SIMT_UNWATCHED_FUNCTION \
  __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace bellman::simt::detail {

#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

/// An address that represents an event.
struct alignas(8) Token {
  char unused = 0;
};

/// All that this fiber has done so far happens before what follows observe(token) in another.
inline void publish([[maybe_unused]] Token& token) {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  __tsan_release(&token);
#endif
}
inline void observe([[maybe_unused]] Token& token) {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  __tsan_acquire(&token);
#endif
}

/// While one exists, the thread sanitizer records no access of this fiber. Nests.
class Unwatched {
 public:
  Unwatched() {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
  }
  ~Unwatched() {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
  }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;
};

}  // namespace bellman::simt::detail
