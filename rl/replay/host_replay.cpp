#include "rl/replay/host_replay.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace bellman {

Index HostReplay::frame_size(Index observation_size, Index frame_stack) {
  if (observation_size % frame_stack != 0)
    fail("an observation of ", observation_size, " elements cannot be ", frame_stack, " frames");
  return observation_size / frame_stack;
}

std::span<const float> HostReplay::newest_frame(std::span<const float> observation) const {
  if (ring_.frame_stack() == 1) return observation;
  const auto frame = static_cast<std::size_t>(observations_.observation_size());
  const std::size_t size = frame * static_cast<std::size_t>(ring_.frame_stack());
  if (observation.size() != size)
    fail("an observation of ", observation.size(), " elements, the replay's have ", size);
  return observation.last(frame);
}

RowRanges HostReplay::written_rows() const {
  const auto first = static_cast<std::size_t>(kept_.first), end = static_cast<std::size_t>(kept_.end());
  RowRanges rows;
  for (const RowRange& range : ring_.written()) {
    const RowRange both = {std::max(range.begin, first), std::min(range.end, end)};
    if (both.begin < both.end) rows.push_back({both.begin - first, both.end - first});
  }
  return rows;
}

std::optional<DrawnBatch> HostReplay::look(std::uint64_t learn_step, double beta) {
  BELLMAN_CHECK(kept_.count == ring_.capacity());
  if (ring_.size() == 0) return std::nullopt;
  DrawnBatch drawn;
  drawn.size = sampler_->batch_size(arrays_.capacity());
  if (drawn.size > 0) {
    drawn.arrays = BatchArrays(drawn.size, ring_.frame_stack());
    sampler_->set_beta(beta);
    sampler_->peek(learn_step, drawn.arrays.slots, drawn.arrays.weights);
  } else {  // all is learnt from: NewestSampler
    std::vector<Index> slots;
    for (Index slot = 0; slot < ring_.capacity(); ++slot)
      if (ring_.sampleable(slot) && static_cast<Index>(slots.size()) < arrays_.capacity())
        slots.push_back(slot);
    drawn.size = static_cast<Index>(slots.size());
    drawn.arrays = BatchArrays(drawn.size, ring_.frame_stack());
    drawn.arrays.slots = std::move(slots);
  }
  const Batch batch = ring_.assemble(drawn.arrays, drawn.size);
  const auto numbers =
      static_cast<std::size_t>(drawn.size * observations_.observation_size() * ring_.frame_stack());
  drawn.observations.resize(numbers);
  drawn.next_observations.resize(numbers);
  observations_.gather(drawn.observations, batch.state_slots());
  observations_.gather(drawn.next_observations, batch.next_state_slots());
  return drawn;
}

}  // namespace bellman
