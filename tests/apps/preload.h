// Whether a program under test can be given a library in LD_PRELOAD.
#pragma once

namespace bellman::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCanPreload = false;  // their runtime must be the first library
#else
inline constexpr bool kCanPreload = true;
#endif

}  // namespace bellman::test
