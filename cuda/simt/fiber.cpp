#include "cuda/simt/fiber.h"

#include <new>

#include <sys/mman.h>

#include "core/base/check.h"
#include "cuda/simt/sanitizers.h"

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__)
// Pushes the registers that a function must preserve (System V ABI) on the stack that it leaves, saves the
// stack pointer, and pops them from the stack that it enters. The return address is already on each.
extern "C" void bellman_simt_switch_stack(void** left, void* entered);
asm(R"(
  .text
  .type bellman_simt_switch_stack, @function
bellman_simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size bellman_simt_switch_stack, . - bellman_simt_switch_stack
)");
#endif

namespace bellman::simt::detail {

namespace {

constexpr std::size_t kGuardBytes = 4096;  // a stack overflow must fault here, not write to its neighbour
constexpr std::size_t kStackBytes = (kAddressSanitizer || kThreadSanitizer ? 256 : 64) * 1024;

// A global, because the two ways of switching cannot both pass an argument to enter().
thread_local Fiber* entering = nullptr;

BELLMAN_SIMT_UNWATCHED_FUNCTION void switch_stack(Context& left, Context& entered) {
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&left.fake_stack, entered.stack_bottom, entered.stack_bytes);
#endif
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  __tsan_switch_to_fiber(entered.sanitizer_thread, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__x86_64__)
  bellman_simt_switch_stack(&left.stack_pointer, entered.stack_pointer);
#else
  swapcontext(&left.registers, &entered.registers);
#endif
}

// Informs the address sanitizer of the current stack; `from` receives the bounds of the one that was left.
BELLMAN_SIMT_UNWATCHED_FUNCTION void arrived([[maybe_unused]] Context& here, [[maybe_unused]] Context* from) {
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(here.fake_stack, from ? &from->stack_bottom : nullptr,
                                  from ? &from->stack_bytes : nullptr);
#endif
}

// So that the first switch to the stack "returns" into `start`.
void prepare(Context& context, std::byte* stack, void (*start)()) {
  context.stack_bottom = stack;
  context.stack_bytes = kStackBytes;
#if defined(__x86_64__)
  void** top = reinterpret_cast<void**>(stack + kStackBytes);
  *--top = nullptr;  // the return address of `start`: there is none, debuggers stop here
  *--top = reinterpret_cast<void*>(start);
  for (int preserved = 0; preserved < 6; ++preserved) *--top = nullptr;
  context.stack_pointer = top;
#else
  getcontext(&context.registers);
  context.registers.uc_stack.ss_sp = stack;
  context.registers.uc_stack.ss_size = kStackBytes;
  context.registers.uc_link = nullptr;
  makecontext(&context.registers, start, 0);
#endif
}

}  // namespace

Fiber::Fiber(Body body, void* argument) : body_(body), argument_(argument) {
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kGuardBytes, PROT_NONE);
  stack_ = static_cast<std::byte*>(memory) + kGuardBytes;
  prepare(own_, stack_, &Fiber::enter);
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  own_.sanitizer_thread = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  __tsan_destroy_fiber(own_.sanitizer_thread);
#endif
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(stack_, kStackBytes);  // the next mapping here starts afresh
#endif
  munmap(stack_ - kGuardBytes, kGuardBytes + kStackBytes);
}

BELLMAN_SIMT_UNWATCHED_FUNCTION void Fiber::enter() {
  Fiber* self = entering;
  arrived(self->own_, &self->caller_);
  self->body_(self->argument_);
  constexpr bool kBodyReturned = true;
  BELLMAN_CHECK(!kBodyReturned);
}

BELLMAN_SIMT_UNWATCHED_FUNCTION void Fiber::resume() {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  caller_.sanitizer_thread = __tsan_get_current_fiber();
#endif
  entering = this;
  switch_stack(caller_, own_);
  arrived(caller_, nullptr);
}

BELLMAN_SIMT_UNWATCHED_FUNCTION void Fiber::pause() {
  switch_stack(own_, caller_);
  arrived(own_, &caller_);
}

void Fiber::set_name([[maybe_unused]] const char* name) {
#if defined(BELLMAN_SIMT_THREAD_SANITIZER)
  __tsan_set_fiber_name(own_.sanitizer_thread, name);
#endif
}

}  // namespace bellman::simt::detail
