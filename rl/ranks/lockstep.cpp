#include "rl/ranks/lockstep.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/base/check.h"

namespace bellman {
namespace {

/// In front of every rank's part.
struct Wishes {
  std::uint8_t stop = 0, checkpoint = 0;
};

static_assert(std::is_trivially_copyable_v<StepRecord>);

}  // namespace

Lockstep::Lockstep(Ranks& ranks, Index num_envs) : ranks_(ranks), num_envs_(num_envs) {
  if (num_envs < size())
    fail("num_envs is ", num_envs, ", fewer than the ", size(),
         " ranks: each needs an environment. Set it to ", size(), " or more");
  for (Index env = 0; env < num_envs; ++env) owners_.push_back(owner_of(env, num_envs, size()));
  for (int r = 0; r < size(); ++r)
    step_sizes_.push_back(static_cast<std::size_t>(share_of(num_envs, r, size()).count) * sizeof(StepRecord));
}

void Lockstep::listen(const std::atomic<bool>* stop, std::function<bool()> checkpoint_is_due) {
  stop_ = stop;
  checkpoint_is_due_ = std::move(checkpoint_is_due);
}

bool Lockstep::take_checkpoint_due() { return std::exchange(checkpoint_due_, false); }

void Lockstep::share_steps(std::span<StepRecord> steps) {
  const RankShare own = envs();
  const auto first = static_cast<std::size_t>(own.first), count = static_cast<std::size_t>(own.count);
  const std::span<const std::byte> all = gather(std::as_bytes(steps.subspan(first, count)), step_sizes_);
  std::memcpy(steps.data(), all.data(), all.size());
}

std::span<const std::byte> Lockstep::gather(std::span<const std::byte> own,
                                            std::span<const std::size_t> sizes) {
  std::size_t total = 0, before = 0;
  sizes_.clear();
  for (std::size_t r = 0; r < sizes.size(); ++r) {
    if (static_cast<int>(r) < rank()) before += sizes[r] + sizeof(Wishes);
    sizes_.push_back(sizes[r] + sizeof(Wishes));
    total += sizes_.back();
  }
  BELLMAN_CHECK(own.size() == sizes[static_cast<std::size_t>(rank())]);
  messages_.resize(total);
  Wishes wishes;
  wishes.stop = stop_ && stop_->load(std::memory_order_relaxed);
  wishes.checkpoint = rank() == 0 && checkpoint_is_due_ && checkpoint_is_due_();
  std::memcpy(messages_.data() + before, &wishes, sizeof wishes);
  std::memcpy(messages_.data() + before + sizeof wishes, own.data(), own.size());
  ranks_.all_gather(messages_, sizes_);

  gathered_.clear();
  const std::byte* from = messages_.data();
  for (const std::size_t size : sizes) {
    std::memcpy(&wishes, from, sizeof wishes);
    if (wishes.stop) is_stopped_ = true;
    if (wishes.checkpoint) checkpoint_due_ = true;
    from += sizeof wishes;
    gathered_.insert(gathered_.end(), from, from + size);
    from += size;
  }
  return gathered_;
}

}  // namespace bellman
