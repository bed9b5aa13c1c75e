// What becomes of a run whose numbers go wrong (docs/decisions/0008).
#pragma once

namespace bellman {

/// kStop: the run ends, and says where. kSkip: the gradient update is left out, or the environment's step,
/// and counted.
enum class OnNan { kStop, kSkip };

}  // namespace bellman
