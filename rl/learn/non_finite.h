// Describes where a learn step found a number that is not finite. Slow: for messages.
#pragma once

#include <span>
#include <string>

#include "core/ops/arena.h"
#include "rl/learn/learner.h"

namespace bellman {

/// A learn step whose loss, gradient or parameters are not finite.
struct NonFiniteStep {
  NonFinite what = NonFinite::kNothing;
  Index number = 0, timestep = 0;  // gradient update, from 1; environment steps made before it
  double loss = 0;
  std::string where{};  // tensor, element and sample
};
/// "gradient update 12, at environment step 77: a gradient is not finite: the loss is 4; the gradient of ...".
std::string description(const NonFiniteStep& step);

/// From the report (kReportWords) of ReplayOps::report_step on a step of `batch` transitions. `tensor` names
/// the tensor, or is empty.
NonFiniteStep reported_step(std::span<const double> report, bool overflowed, const std::string& tensor,
                            Index batch);

/// The largest of them by size, with its sign; the first NaN if there is one.
float largest(std::span<const float> numbers);

/// "0.weight (3,1)": the element at `place` of an arena of that layout. Throws: Error for a place outside.
std::string element_name(const ArenaLayout& layout, Index place);

/// "the gradient of 0.weight (3,1) is not finite", for a guard's word kPlace; empty when that is 0.
std::string bad_gradient_element(const ArenaLayout& layout, Index guard_place);

/// "the gradient of 0.weight (3,1) is inf": the first number of `values` that is not finite, `what` being
/// "the gradient of "; empty when all are.
std::string first_non_finite(const std::string& what, const ArenaLayout& layout,
                             std::span<const float> values);

/// "sample 5 of 32 (replay slot 118, action 1, reward 1e+30) has the TD error inf; the largest number of its
/// observation is 1, of the next one 3e+38": that of the largest error, NaN before all.
std::string worst_sample(const Batch& batch, std::span<const float> td_error);

}  // namespace bellman
