#include "rl/replay/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "core/base/numeric.h"

namespace bellman {

namespace {

// How many draws are made at once, in memory on the stack.
constexpr std::size_t kChunk = 64;
// More than powers are off by (core/base/numeric.h): so far that of a smaller priority may pass that of a larger
// one.
constexpr double kPowerError = 1e-12;

void check_sample(Index size, std::span<const Index> slots, std::span<const float> weights) {
  if (slots.size() != weights.size())
    fail("a sample of ", slots.size(), " slots and ", weights.size(), " weights, must be as many");
  if (size == 0) fail("nothing can be sampled yet: the replay holds no complete transition");
}

void check_td_errors(std::span<const Index> slots, std::span<const float> td_errors) {
  if (slots.size() != td_errors.size())
    fail(td_errors.size(), " TD errors for ", slots.size(), " slots, must be as many");
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (!std::isfinite(td_errors[i]))
      fail("the TD error of the transition in slot ", slots[i], " is ", td_errors[i], ", must be finite");
}

void check_beta(double beta) {
  if (!(beta >= 0 && beta <= 1)) fail("beta is ", beta, ", must be in [0, 1]");
}

/// What can be sampled is what the ring says. `contains(slot)`: whether the sampler thinks so.
template <class Contains>
void check_against_ring(const StateReader& in, const char* name, const ReplayRing& ring,
                        const Contains& contains) {
  for (Index slot = 0; slot < ring.capacity(); ++slot)
    if (contains(slot) != ring.sampleable(slot))
      fail(in.source(), ": ", name, " and the replay disagree about slot ", slot);
}

void check_slot(Index slot, Index capacity) {
  if (slot < 0 || slot >= capacity) fail("there is no slot ", slot, " in a sampler of ", capacity);
}

}  // namespace

// ---- uniform

UniformSampler::UniformSampler(Index capacity, std::uint64_t seed) : stream_{seed, Purpose::kReplay, 0} {
  if (capacity < 1 || capacity >= Index{1} << 31)
    fail("a sampler of ", capacity, " slots, must have at least 1 and fewer than 2^31");
  check_memory(capacity * static_cast<Index>(2 * sizeof(std::int32_t)), "the sampler's list of slots");
  slots_ = HostArray<std::int32_t>(static_cast<std::size_t>(capacity));
  places_ = HostArray<std::int32_t>(static_cast<std::size_t>(capacity));
  changed_ = ChangedBlocks(static_cast<std::size_t>(capacity));
}

void UniformSampler::on_add(Index slot) {
  check_slot(slot, static_cast<Index>(slots_.size()));
  if (place(slot) > 0) fail("slot ", slot, " is added to the sampler twice");
  changed_.mark(static_cast<std::size_t>(size_));
  slots_[static_cast<std::size_t>(size_++)] = static_cast<std::int32_t>(slot);
  place(slot) = static_cast<std::int32_t>(size_);
}

void UniformSampler::on_evict(Index slot) {
  check_slot(slot, static_cast<Index>(slots_.size()));
  const std::int32_t free = place(slot);
  if (free == 0) fail("slot ", slot, " is evicted from the sampler, which does not have it");
  // The last of the list takes its place.
  const std::int32_t last = slots_[static_cast<std::size_t>(--size_)];
  slots_[static_cast<std::size_t>(free - 1)] = last;
  changed_.mark(static_cast<std::size_t>(free - 1));
  place(last) = free;
  place(slot) = 0;
}

void UniformSampler::sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) {
  check_sample(size_, slots, weights);
  RandomWords words{};
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i % 4 == 0) words = random_words(stream_, learn_step, static_cast<std::uint32_t>(i / 4));
    slots[i] = slots_[uniform_index(words[i % 4], static_cast<std::uint32_t>(size_))];
    weights[i] = 1.0F;
  }
}

void UniformSampler::on_td_error(std::span<const Index> slots, std::span<const float> td_errors) {
  check_td_errors(slots, td_errors);
}

void UniformSampler::set_beta(double beta) { check_beta(beta); }

void UniformSampler::set_state(std::span<const std::int32_t> slots) {
  const auto forget = [this](std::span<const std::int32_t> listed) {
    for (const std::int32_t slot : listed) place(slot) = 0;
  };
  for (const std::int32_t slot : slots) check_slot(slot, static_cast<Index>(slots_.size()));
  forget(state());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (place(slots[i]) > 0) {
      forget(slots.first(i));
      for (Index own = 0; own < size_;) {
        const std::int32_t slot = slots_[static_cast<std::size_t>(own)];
        place(slot) = static_cast<std::int32_t>(++own);
      }
      fail("slot ", slots[i], " is in the sampler's list twice");
    }
    place(slots[i]) = static_cast<std::int32_t>(i + 1);
  }
  changed_.mark_all();
  std::copy(slots.begin(), slots.end(), slots_.begin());
  size_ = static_cast<Index>(slots.size());
}

void UniformSampler::save(StateWriter& out, const ReplayRing& /*ring*/) const {
  const RowRange all = {0, static_cast<std::size_t>(size_)};
  out.add_rows("sampler.slots", state(), {&all, 1}, 1, &changed_);
}

void UniformSampler::load(const StateReader& in, const ReplayRing& ring) {
  in.hand_over("sampler.slots", [&] { set_state(in.view<std::int32_t>("sampler.slots")); });
  check_against_ring(in, "sampler.slots", ring, [&](Index slot) { return place(slot) > 0; });
}

// ---- prioritised

PrioritizedSampler::PrioritizedSampler(Index capacity, std::uint64_t seed, const PriorityPower& power)
    : stream_{seed, Purpose::kReplay, 0}, power_(power), tree_(capacity) {
  if (!(power.alpha >= 0 && power.alpha <= 1))
    fail("alpha of the priorities is ", power.alpha, ", must be in [0, 1]");
  if (!(power.epsilon >= 1e-30 && power.epsilon <= 1e30))
    fail("epsilon of the priorities is ", power.epsilon, ", must be in [1e-30, 1e30]");
}

void PrioritizedSampler::on_add(Index slot) {
  if (tree_.get(slot) > 0) fail("slot ", slot, " is added to the sampler twice");
  tree_.set(slot, max_weight_);
  ++size_;
}

void PrioritizedSampler::on_evict(Index slot) {
  if (tree_.get(slot) == 0) fail("slot ", slot, " is evicted from the sampler, which does not have it");
  tree_.set(slot, 0);
  --size_;
}

void PrioritizedSampler::sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) {
  check_sample(size_, slots, weights);
  // The n-th draw is uniform on the n-th of B equal parts of the sum.
  const double part = tree_.total() / static_cast<double>(slots.size());
  std::array<double, kChunk> masses;
  RandomWords words{};
  for (std::size_t begin = 0; begin < slots.size(); begin += kChunk) {
    const std::size_t n = std::min(kChunk, slots.size() - begin);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t draw = begin + i;
      if (draw % 2 == 0) words = random_words(stream_, learn_step, static_cast<std::uint32_t>(draw / 2));
      const std::size_t w = 2 * (draw % 2);
      masses[i] = (static_cast<double>(draw) + uniform_double(words[w], words[w + 1])) * part;
    }
    tree_.find_many(slots.subspan(begin, n), {masses.data(), n});
  }

  // w_i = (N P(i))^-beta over the batch's largest, which is that of its smallest P. N and the sum of all
  // priorities cancel: w_i / max_j w_j = (min_j p_j^alpha / p_i^alpha)^beta.
  const std::span<const double> tree_weights = tree_.state();
  double least = SumTree::kMaxWeight;
  for (Index slot : slots) least = std::min(least, tree_weights[static_cast<std::size_t>(slot)]);
  std::array<double, kChunk> powers;
  for (std::size_t begin = 0; begin < slots.size(); begin += kChunk) {
    const std::size_t n = std::min(kChunk, slots.size() - begin);
    for (std::size_t i = 0; i < n; ++i)
      powers[i] = least / tree_weights[static_cast<std::size_t>(slots[begin + i])];
    deterministic_pow_all({powers.data(), n}, beta_);
    for (std::size_t i = 0; i < n; ++i) weights[begin + i] = static_cast<float>(powers[i]);
  }
}

void PrioritizedSampler::on_td_error(std::span<const Index> slots, std::span<const float> td_errors) {
  check_td_errors(slots, td_errors);
  for (Index slot : slots) check_slot(slot, tree_.capacity());
  const std::span<const double> tree_weights = tree_.state();
  std::array<Index, kChunk> updated;
  std::array<double, kChunk> weights;
  for (std::size_t begin = 0; begin < slots.size(); begin += kChunk) {
    std::size_t n = 0;
    for (std::size_t i = begin; i < std::min(begin + kChunk, slots.size()); ++i) {
      if (tree_weights[static_cast<std::size_t>(slots[i])] == 0) continue;  // evicted in between
      const double priority = std::abs(static_cast<double>(td_errors[i])) + power_.epsilon;
      max_priority_ = std::max(max_priority_, priority);
      updated[n] = slots[i];
      weights[n++] = priority;
    }
    deterministic_pow_all({weights.data(), n}, power_.alpha);
    tree_.set_many({updated.data(), n}, {weights.data(), n});
  }
  max_weight_ = deterministic_pow(max_priority_, power_.alpha);
}

void PrioritizedSampler::set_beta(double beta) {
  check_beta(beta);
  beta_ = beta;
}

double PrioritizedSampler::probability(Index slot) const {
  const double weight = tree_.get(slot);
  return weight > 0 ? weight / tree_.total() : 0.0;
}

void PrioritizedSampler::set_state(const State& state, std::span<const RowRange> ranges) {
  if (!(std::isfinite(state.max_priority) && state.max_priority > 0))
    fail("the largest priority is ", state.max_priority, ", must be positive and finite");
  const double max_weight = deterministic_pow(state.max_priority, power_.alpha);
  for (std::size_t i = 0; i < state.weights.size(); ++i)
    if (state.weights[i] > max_weight * (1 + kPowerError))
      fail("the weight of slot ", i, " is ", state.weights[i], ", more than the largest priority's, ",
           max_weight);
  tree_.set_state(state.weights, ranges);
  max_priority_ = state.max_priority;
  max_weight_ = max_weight;
  size_ = std::count_if(state.weights.begin(), state.weights.end(), [](double w) { return w > 0; });
}

void PrioritizedSampler::save(StateWriter& out, const ReplayRing& ring) const {
  out.add_rows("sampler.weights", tree_.state(), ring.written(), 1, nullptr);
  out.add("sampler.max_priority", max_priority_);
}

void PrioritizedSampler::load(const StateReader& in, const ReplayRing& ring) {
  const State state = {in.view<double>("sampler.weights"), in.number<double>("sampler.max_priority")};
  in.hand_over("sampler.weights, sampler.max_priority", [&] { set_state(state, ring.written()); });
  check_against_ring(in, "sampler.weights", ring, [&](Index slot) { return tree_.get(slot) > 0; });
}

// ---- newest

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

void NewestSampler::sample(std::uint64_t learn_step, std::span<Index> slots, std::span<float> weights) {
  peek(learn_step, slots, weights);
  waiting_.clear();
}

void NewestSampler::peek(std::uint64_t /*learn_step*/, std::span<Index> slots, std::span<float> weights) {
  if (slots.size() != waiting_.size() || weights.size() != slots.size())
    fail("a sample of ", slots.size(), " slots and ", weights.size(), " weights, but ", waiting_.size(),
         " transitions wait to be learnt from");
  std::copy(waiting_.begin(), waiting_.end(), slots.begin());
  std::fill(weights.begin(), weights.end(), 1.0F);
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
