#include "rl/replay/host_replay.h"

#include <utility>

namespace bellman {

std::optional<DrawnBatch> HostReplay::look(std::uint64_t learn_step, double beta) {
  if (ring_.size() == 0) return std::nullopt;
  DrawnBatch drawn;
  drawn.size = sampler_->batch_size(arrays_.capacity());
  if (drawn.size > 0) {
    drawn.arrays = BatchArrays(drawn.size);
    sampler_->set_beta(beta);
    sampler_->peek(learn_step, drawn.arrays.slots, drawn.arrays.weights);
  } else {  // all is learnt from: NewestSampler
    std::vector<Index> slots;
    for (Index slot = 0; slot < ring_.capacity(); ++slot)
      if (ring_.sampleable(slot) && static_cast<Index>(slots.size()) < arrays_.capacity())
        slots.push_back(slot);
    drawn.size = static_cast<Index>(slots.size());
    drawn.arrays = BatchArrays(drawn.size);
    drawn.arrays.slots = std::move(slots);
  }
  ring_.assemble(drawn.arrays, drawn.size);
  const auto numbers = static_cast<std::size_t>(drawn.size * observations_.observation_size());
  drawn.observations.resize(numbers);
  drawn.next_observations.resize(numbers);
  observations_.gather(drawn.observations, drawn.arrays.slots);
  observations_.gather(drawn.next_observations, drawn.arrays.next_slots);
  return drawn;
}

}  // namespace bellman
