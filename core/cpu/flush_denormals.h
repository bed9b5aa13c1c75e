// Numbers below 1.2e-38 (denormals) taken for zero, as results and as operands, within a scope.
//
// Adam's moments of a weight that no longer gets gradients shrink until they are denormal, and stay so: 0.9
// times the smallest number rounds back to it. Arithmetic on them takes many times as long on most
// processors, and nothing is learned from them.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace bellman {

/// Sets the calling thread's mode, and puts back what was there. Without SSE it does nothing.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : before_(_mm_getcsr()) {
    constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
    _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero);
  }
  ~FlushDenormals() { _mm_setcsr(before_); }
#else
  FlushDenormals() = default;
  ~FlushDenormals() {}
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__)
  unsigned before_;
#endif
};

}  // namespace bellman
