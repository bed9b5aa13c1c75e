#include "tests/support/counts/lock_count.h"

#include "tests/support/sanitized.h"

#if !defined(BELLMAN_SANITIZED)
#include <atomic>

#include <dlfcn.h>
#include <pthread.h>

// Constant initialised: locks are taken before any constructor.
static std::atomic<long> locks_taken{0};

// Takes the place of the C library's function, and forwards to it.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const original =
      reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  ++locks_taken;
  return original(mutex);
}

namespace bellman::test {

long locks() { return locks_taken.load(); }

}  // namespace bellman::test
#endif
