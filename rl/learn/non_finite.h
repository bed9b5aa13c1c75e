// Where a number is that went wrong, in words. Slow: for messages.
#pragma once

#include <span>
#include <string>

#include "core/ops/arena.h"
#include "rl/learn/learner.h"

namespace bellman {

/// "loss", "gradient", "parameter".
const char* noun(NonFinite what);

/// The largest of them by size, with its sign; the first NaN if there is one.
float largest(std::span<const float> numbers);

/// "0.weight (3,1)": the element at `place` of an arena of that layout. Throws: Error for a place outside.
std::string element_name(const ArenaLayout& layout, Index place);

/// "the gradient of 0.weight (3,1) is inf": the first number of `values` that is not finite, `what` being
/// "the gradient of "; empty when all are.
std::string first_non_finite(const std::string& what, const ArenaLayout& layout,
                             std::span<const float> values);

/// "sample 5 of 32 (replay slot 118, action 1, reward 1e+30) has the TD error inf; the largest number of its
/// observation is 1, of the next one 3e+38": that of the largest error, NaN before all.
std::string worst_sample(const Batch& batch, std::span<const float> td_error);

}  // namespace bellman
