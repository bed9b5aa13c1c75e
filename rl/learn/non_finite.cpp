#include "rl/learn/non_finite.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/ops/replay_ops.h"
#include "rl/replay/observation_store.h"

namespace bellman {
namespace {

/// Of the n-th state of those that `slots` make.
float largest_in(const Batch& batch, std::span<const Index> slots, std::size_t n) {
  const std::size_t frames = slots.size() / batch.slots.size();
  std::vector<float> numbers(frames * static_cast<std::size_t>(batch.observations->observation_size()));
  batch.observations->gather(numbers, slots.subspan(n * frames, frames));
  return largest(numbers);
}

const char* noun(NonFinite what) {
  switch (what) {
    case NonFinite::kNothing:
      return "nothing";
    case NonFinite::kLoss:
      return "loss";
    case NonFinite::kGradient:
      return "gradient";
    case NonFinite::kParameters:
      return "parameter";
  }
  return "number";
}

}  // namespace

std::string description(const NonFiniteStep& step) {
  std::ostringstream text;
  text << "gradient update " << step.number << ", at environment step " << step.timestep << ": a "
       << noun(step.what) << " is not finite: the loss is " << shown(step.loss)
       << (step.where.empty() ? "" : "; ") << step.where;
  return text.str();
}

NonFiniteStep reported_step(std::span<const double> report, bool overflowed, const std::string& tensor,
                            Index batch) {
  const auto whole = [&](ReportWord word) { return static_cast<Index>(report[word]); };
  std::ostringstream where;
  where << tensor << (tensor.empty() ? "" : "; ") << "sample " << whole(kSample) << " of " << batch
        << " (replay slot " << whole(kSlot) << ", reward " << shown(report[kReward]) << ") has the TD error "
        << shown(report[kTdError]);
  return {.what = overflowed                     ? NonFinite::kParameters
                  : std::isfinite(report[kLoss]) ? NonFinite::kGradient
                                                 : NonFinite::kLoss,
          .number = whole(kNumber),
          .timestep = whole(kTimestep),
          .loss = report[kLoss],
          .where = where.str()};
}

float largest(std::span<const float> numbers) {
  float found = 0;
  for (const float x : numbers)
    if (!(std::abs(x) <= std::abs(found)) && !std::isnan(found)) found = x;
  return found;
}

std::string element_name(const ArenaLayout& layout, Index place) {
  for (const ArenaLayout::Entry& entry : layout.entries()) {
    Index rest = place - entry.offset;
    if (rest < 0 || rest >= entry.shape.elements()) continue;
    Shape indices;
    Index size = entry.shape.elements();
    for (int i = 0; i < entry.shape.rank(); ++i) {
      size /= entry.shape[i];
      indices.append(rest / size);
      rest %= size;
    }
    std::ostringstream name;
    name << entry.name << " " << indices;
    return name.str();
  }
  fail("place ", place, " belongs to no tensor of an arena of ", layout.size(), " elements");
}

std::string bad_gradient_element(const ArenaLayout& layout, Index guard_place) {
  if (guard_place == 0) return "";
  return "the gradient of " + element_name(layout, guard_place - 1) + " is not finite";
}

std::string first_non_finite(const std::string& what, const ArenaLayout& layout,
                             std::span<const float> values) {
  const auto found = std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  if (found == values.end()) return "";
  std::ostringstream text;
  text << what << element_name(layout, found - values.begin()) << " is " << shown(*found);
  return text.str();
}

std::string worst_sample(const Batch& batch, std::span<const float> td_error) {
  const auto size = [&](std::size_t n) {
    return std::isnan(td_error[n]) ? std::numeric_limits<double>::infinity()
                                   : std::min<double>(std::abs(td_error[n]), 1e39);
  };
  std::size_t worst = 0;
  for (std::size_t n = 1; n < td_error.size(); ++n)
    if (size(n) > size(worst)) worst = n;
  std::ostringstream text;
  text << "sample " << worst << " of " << td_error.size() << " (replay slot " << batch.slots[worst]
       << ", action " << batch.actions[worst] << ", reward " << shown(batch.rewards[worst])
       << ") has the TD error " << shown(td_error[worst]) << "; the largest number of its observation is "
       << shown(largest_in(batch, batch.state_slots(), worst)) << ", of the next one "
       << shown(largest_in(batch, batch.next_state_slots(), worst));
  return text.str();
}

}  // namespace bellman
