// Where a number is that went wrong, in words. Slow: for messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/arena.h"
#include "rl/learner.h"
#include "rl/observation_store.h"

namespace bellman {

/// "loss", "gradient", "parameter".
const char* noun(NonFinite what);

/// For messages: a NaN has no sign.
double shown(double number);

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
std::string worst_sample(const Batch& batch, std::span<const float> td_error,
                         const ObservationStore& observations);

/// Throws: Error, naming source, tensor and place, for a number that is not finite; `values` are those from
/// place `first` on.
void check_finite(const std::string& source, const std::string& name, std::span<const float> values,
                  std::size_t first = 0);

/// The same of floats that lie there as bytes.
void check_finite_floats(const std::string& source, const std::string& name,
                         std::span<const std::byte> bytes);

}  // namespace bellman
