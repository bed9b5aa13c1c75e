// The replay's memory, saved and restored as the host's replay saves its own.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/check.h"
#include "rl/non_finite.h"
#include "rl/resident_replay.h"

namespace bellman {

void ResidentReplay::save(StateWriter& out) {
  send_news();
  ring_.save(out);
  if (uniform_) uniform_->save(out);
  const auto slots = static_cast<std::size_t>(ring_.capacity());
  const std::size_t width = observations_.bytes() / slots;
  const auto download = [&](std::span<std::byte> to, std::size_t begin, std::size_t /*end*/) {
    backend_.download(to.data(), static_cast<const std::byte*>(observations_.data()) + begin * width,
                      to.size());
  };
  out.add_changed<std::byte>("replay.observations", slots, width, slots, changed_, download);
  if (prioritized()) save_priorities(out);
  out.add("replay.lane_slots", lane_slots_);
}

void ResidentReplay::load(const StateReader& in, Index num_actions) {
  ring_.load(in, num_actions);
  if (uniform_) uniform_->load(in, ring_);
  const auto observations = in.get<std::byte>("replay.observations", observations_.bytes());
  if (!bytes_) check_finite_floats(in.source(), "replay.observations", observations);
  backend_.upload(observations_.data(), observations.data(), observations.size());
  changed_.mark_all();
  restore_transitions();
  if (prioritized()) load_priorities(in);
  lane_slots_ = in.get<std::int32_t>("replay.lane_slots", lane_slots_.size());
  for (const std::int32_t slot : lane_slots_)
    if (slot < 0 || slot >= ring_.capacity()) fail(in.source(), ": replay.lane_slots names the slot ", slot);
  send_news();
}

/// What the ring knows, slot by slot.
void ResidentReplay::restore_transitions() {
  Transitions all(static_cast<std::size_t>(ring_.capacity()));
  for (Index slot = 0; slot < ring_.capacity(); ++slot)
    if (ring_.sampleable(slot)) look_up(all, static_cast<std::size_t>(slot), slot);
  const TransitionTensors there = transitions_.view(ring_.capacity());
  const auto upload = [&](auto to, const auto& values) {
    backend_.upload(to.data(), values.data(), values.size() * sizeof(values[0]));
  };
  upload(there.action, all.actions);
  upload(there.next_slot, all.next_slots);
  upload(there.reward, all.rewards);
  upload(there.discount, all.discounts);
  upload(there.terminated, all.terminated);
}

void ResidentReplay::save_priorities(StateWriter& out) const {
  const std::span<double> weights =
      out.space<double>("sampler.weights", static_cast<std::size_t>(ring_.capacity()));
  const std::size_t leaves = nodes_.bytes() / 2;  // the first half of the nodes are sums
  backend_.download(weights.data(), static_cast<const std::byte*>(nodes_.data()) + leaves,
                    weights.size_bytes());
  double largest = 0;
  backend_.download(&largest, max_priority_.data(), sizeof largest);
  out.add("sampler.max_priority", largest);
}

/// Leaves from the file, sums as SumTree makes them.
void ResidentReplay::load_priorities(const StateReader& in) {
  PrioritizedSampler checked(ring_.capacity(), options_.seed, options_.priorities);
  checked.load(in, ring_);
  std::vector<double> nodes(static_cast<std::size_t>(this->nodes().elements()));
  const std::span<const double> weights = checked.state().weights;
  std::copy(weights.begin(), weights.end(), nodes.begin() + static_cast<std::ptrdiff_t>(nodes.size() / 2));
  for (std::size_t i = nodes.size() / 2 - 1; i > 0; --i) nodes[i] = nodes[2 * i] + nodes[2 * i + 1];
  backend_.upload(nodes_.data(), nodes.data(), nodes.size() * sizeof(double));
  const double largest = checked.max_priority();
  backend_.upload(max_priority_.data(), &largest, sizeof largest);
}

}  // namespace bellman
