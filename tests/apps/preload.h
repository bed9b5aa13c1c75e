// Whether a program under test can be given a library in LD_PRELOAD.
#pragma once

#include "tests/support/sanitized.h"

namespace bellman::test {

#ifdef BELLMAN_SANITIZED
inline constexpr bool kCanPreload =
    false;  // a sanitizer's runtime must come first; these runs would take minutes, too
#else
inline constexpr bool kCanPreload = true;
#endif

}  // namespace bellman::test
