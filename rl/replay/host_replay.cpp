#include "rl/replay/host_replay.h"

#include <cstddef>

namespace bellman {

Batch HostReplay::sample(std::uint64_t learn_step, double beta) {
  const Index size = sampler_->batch_size(arrays_.capacity());
  if (size > 0) {
    const auto count = static_cast<std::size_t>(size);
    sampler_->set_beta(beta);
    sampler_->sample(learn_step, std::span(arrays_.slots).first(count),
                     std::span(arrays_.weights).first(count));
  }
  Batch batch = ring_.assemble(arrays_, size);
  batch.observations = &observations_;
  return batch;
}

void HostReplay::save(StateWriter& out) {
  ring_.save(out);
  sampler_->save(out, ring_);
  observations_.save(out, ring_.written());
}

void HostReplay::load(const StateReader& in, Index num_actions) {
  ring_.load(in, num_actions);
  sampler_->load(in, ring_);
  observations_.load(in, ring_.written());
}

}  // namespace bellman
