// A function with a stack of its own, which can pause in the middle and resume later: a CUDA thread on the
// host. One thread of the operating system runs all fibers, one at a time.
//
// On x86-64 a switch is a dozen instructions; elsewhere ucontext does it, some ten times slower.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace bellman::simt::detail {

/// A paused stack, and the sanitizers' handles for it.
struct Context {
#if defined(__x86_64__)
  void* stack_pointer = nullptr;
#else
  ucontext_t registers{};
#endif
  const void* stack_bottom = nullptr;
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;        // the address sanitizer's
  void* sanitizer_thread = nullptr;  // the thread sanitizer's
};

class Fiber {
 public:
  using Body = void (*)(void* argument);

  /// REQUIRES: body never returns; it pauses for good. Destroying a fiber runs no destructors on its stack.
  /// Throws: std::bad_alloc.
  Fiber(Body body, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From outside: runs the body until it pauses.
  void resume();
  /// From within the body: returns to the caller of resume().
  void pause();

  /// The name of this fiber in the thread sanitizer's reports.
  void set_name(const char* name);

 private:
  static void enter();

  Body body_;
  void* argument_;
  std::byte* stack_;
  Context own_, caller_;
};

}  // namespace bellman::simt::detail
