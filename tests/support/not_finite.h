// NaN and infinity, as float and as double.
#pragma once

#include <limits>

namespace bellman::test {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr float kNanF = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinityF = std::numeric_limits<float>::infinity();

}  // namespace bellman::test
