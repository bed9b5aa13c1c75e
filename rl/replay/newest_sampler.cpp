#include "rl/replay/newest_sampler.h"

#include <algorithm>

#include "core/base/check.h"

namespace bellman {

NewestSampler::NewestSampler(Index capacity) {
  if (capacity < 1) fail("a sampler of the newest transitions needs room for 1 at least, not ", capacity);
  waiting_.reserve(static_cast<std::size_t>(capacity));
}

void NewestSampler::on_add(Index slot) {
  if (waiting_.size() == waiting_.capacity())
    fail("slot ", slot, " is one more than the ", waiting_.size(), " transitions that can wait");
  waiting_.push_back(slot);
}

void NewestSampler::on_evict(Index slot) { std::erase(waiting_, slot); }

void NewestSampler::sample(std::uint64_t /*learn_step*/, std::span<Index> slots, std::span<float> weights) {
  if (slots.size() != waiting_.size() || weights.size() != slots.size())
    fail("a sample of ", slots.size(), " slots and ", weights.size(), " weights, but ", waiting_.size(),
         " transitions wait to be learnt from");
  std::copy(waiting_.begin(), waiting_.end(), slots.begin());
  std::fill(weights.begin(), weights.end(), 1.0F);
  waiting_.clear();
}

void NewestSampler::load(const StateReader& in, const ReplayRing& ring) {
  const auto waiting = in.get<Index>("sampler.waiting");
  if (waiting.size() > waiting_.capacity())
    fail(in.source(), ": sampler.waiting has ", waiting.size(), " transitions, at most ", waiting_.capacity(),
         " can wait");
  for (const Index slot : waiting)
    if (slot < 0 || slot >= ring.capacity() || !ring.sampleable(slot))
      fail(in.source(), ": sampler.waiting names slot ", slot, ", which holds no complete transition");
  waiting_.assign(waiting.begin(), waiting.end());
}

}  // namespace bellman
