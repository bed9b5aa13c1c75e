// Sizes on both sides of every width of vector and tile.
#pragma once

#include <array>

#include "core/base/tensor.h"

namespace bellman::test {

inline constexpr std::array<Index, 7> kSizes = {1, 3, 31, 32, 33, 64, 65};

}  // namespace bellman::test
