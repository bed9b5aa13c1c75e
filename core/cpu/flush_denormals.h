// Numbers below 1.2e-38 (denormals) taken for zero, as results and as operands, within a scope.
//
// Adam's moments of a weight that no longer gets gradients shrink until they are denormal, and stay so: 0.9 times the smallest
// number rounds back to it. Arithmetic on them takes many times as long on most processors, and nothing is learned from them.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace bellman {

/// Sets the calling thread's mode, and restores the previous one. Does nothing without SSE2 or AArch64.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  static constexpr std::uint32_t kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zero
  static std::uint32_t mode() { return _mm_getcsr(); }
  static void set_mode(std::uint32_t mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kFlush = 1U << 24;  // FPCR.FZ: operands and results
  static std::uint64_t mode() {
    std::uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  static constexpr std::uint32_t kFlush = 0;
  static std::uint32_t mode() { return 0; }
  static void set_mode(std::uint32_t /*mode*/) {}
#endif

  FlushDenormals() : before_(mode()) { set_mode(before_ | kFlush); }
  ~FlushDenormals() { set_mode(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  decltype(mode()) before_;
};

}  // namespace bellman
