// A header of the outside program's own. bellman has a core/base/check.h, too; neither may be taken for the other.
#pragma once

namespace user {

inline constexpr int kSteps = 400;

}  // namespace user
