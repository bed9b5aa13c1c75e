#include "tests/support/counts/allocation_count.h"

#include <atomic>
#include <cstdlib>

#include "tests/support/sanitized.h"

// Constant initialised: malloc is called before any constructor.
static std::atomic<std::size_t> allocation_count{0};

namespace bellman::test {
namespace {
void start_counting();
}

std::size_t allocations() {
  start_counting();
  return allocation_count.load();
}

}  // namespace bellman::test

#if defined(BELLMAN_SANITIZED)
// The sanitizers have a malloc of their own, and report each call.
// (<sanitizer/allocator_interface.h> declares this, and does not come with every gcc.)
extern "C" int __sanitizer_install_malloc_and_free_hooks(  // NOLINT
    void (*on_malloc)(const volatile void*, std::size_t), void (*on_free)(const volatile void*));

namespace bellman::test {
namespace {

void start_counting() {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void* /*memory*/, std::size_t /*bytes*/) { ++allocation_count; },
      [](const volatile void* /*memory*/) {});
  if (installed == 0) std::abort();
}

}  // namespace
}  // namespace bellman::test

#else
// These take the place of the C library's, which operator new calls too, and forward to them.
extern "C" {

void* __libc_malloc(std::size_t bytes);                       // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes);    // NOLINT
void* __libc_realloc(void* memory, std::size_t bytes);        // NOLINT
void* __libc_memalign(std::size_t align, std::size_t bytes);  // NOLINT

void* malloc(std::size_t bytes) {
  ++allocation_count;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocation_count;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  ++allocation_count;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t align, std::size_t bytes) {
  ++allocation_count;
  return __libc_memalign(align, bytes);
}
int posix_memalign(void** memory, std::size_t align, std::size_t bytes) {
  ++allocation_count;
  *memory = __libc_memalign(align, bytes);
  return *memory ? 0 : 12;  // ENOMEM
}
}

namespace bellman::test {
namespace {
void start_counting() {}
}  // namespace
}  // namespace bellman::test
#endif
