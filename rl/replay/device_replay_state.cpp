// The state of a replay in the backend's memory, saved as HostReplay saves its own.
#include <algorithm>

#include "core/base/check.h"
#include "rl/replay/device_replay.h"

namespace bellman {

void DeviceReplay::save(StateWriter& out) {
  send_pending();
  ring_.save(out);
  if (uniform_) uniform_->save(out, ring_);
  const std::size_t width = observations_.bytes() / static_cast<std::size_t>(ring_.capacity());
  out.add_rows<std::byte>(
      "replay.observations", ring_.written(), width, &changed_,
      [&](std::span<std::byte> to, std::size_t begin, std::size_t /*end*/) {
        backend_.download(to.data(), static_cast<const std::byte*>(observations_.data()) + begin * width,
                          to.size());
      });
  if (prioritized()) save_priorities(out);
  out.add("replay.lane_slots", newest_slots_);
}

void DeviceReplay::load(const StateReader& in, Index num_actions) {
  ring_.load(in, num_actions);
  if (uniform_) uniform_->load(in, ring_);
  const RowRanges written = ring_.written();
  const std::size_t width = observations_.bytes() / static_cast<std::size_t>(ring_.capacity());
  auto observations = in.view<std::byte>("replay.observations", rows_in(written) * width);
  if (!bytes_) check_finite_floats(in.source(), "replay.observations", observations);
  for (const RowRange& range : written) {
    const std::size_t bytes = (range.end - range.begin) * width;
    backend_.upload(static_cast<std::byte*>(observations_.data()) + range.begin * width, observations.data(),
                    bytes);
    observations = observations.subspan(bytes);
  }
  changed_.mark_all();
  for (const RowRange& range : written) restore_transitions(range);
  if (prioritized()) load_priorities(in);
  newest_slots_ = in.get<std::int32_t>("replay.lane_slots", newest_slots_.size());
  for (const std::int32_t slot : newest_slots_)
    if (slot < 0 || slot >= ring_.capacity()) fail(in.source(), ": replay.lane_slots names the slot ", slot);
  send_pending();
}

/// What the ring knows, slot by slot.
void DeviceReplay::restore_transitions(const RowRange& range) {
  Transitions all(range.end - range.begin);
  for (std::size_t slot = range.begin; slot < range.end; ++slot)
    if (ring_.sampleable(static_cast<Index>(slot))) fetch(all, slot - range.begin, static_cast<Index>(slot));
  const TransitionTensors there = transitions_.view(ring_.capacity());
  const auto upload = [&](auto to, const auto& values) {
    backend_.upload(to.data() + range.begin, values.data(), values.size() * sizeof(values[0]));
  };
  upload(there.action, all.actions);
  upload(there.next_slot, all.next_slots);
  upload(there.reward, all.rewards);
  upload(there.discount, all.discounts);
  upload(there.terminated, all.terminated);
}

void DeviceReplay::save_priorities(StateWriter& out) const {
  const auto* const leaves =  // the first half of the nodes are sums
      static_cast<const double*>(nodes_.data()) + nodes_.bytes() / 2 / sizeof(double);
  out.add_rows<double>("sampler.weights", ring_.written(), 1, nullptr,
                       [&](std::span<double> to, std::size_t begin, std::size_t /*end*/) {
                         backend_.download(to.data(), leaves + begin, to.size_bytes());
                       });
  double largest = 0;
  backend_.download(&largest, max_priority_.data(), sizeof largest);
  out.add("sampler.max_priority", largest);
}

/// Leaves from the file, sums as SumTree makes them.
void DeviceReplay::load_priorities(const StateReader& in) {
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
