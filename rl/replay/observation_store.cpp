#include "rl/replay/observation_store.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "core/base/memory.h"

namespace bellman {

bool are_bytes(std::span<const float> observation) {
  bool are = true;  // without a branch in the loop: whole vectors
  for (const float x : observation) {
    const float inside = x >= 0 && x <= 255 ? x : 0;  // NaN is no byte, either
    are &= static_cast<float>(static_cast<std::int32_t>(inside)) == x;
  }
  return are;
}

void check_bytes(std::span<const float> observation) {
  if (are_bytes(observation)) return;
  for (std::size_t i = 0; i < observation.size(); ++i)
    if (!(observation[i] >= 0 && observation[i] <= 255 && observation[i] == std::floor(observation[i])))
      fail("element ", i, " of an observation is ", observation[i],
           ", must be a whole number from 0 to 255 to be stored as a byte");
}

ObservationStore::ObservationStore(Index capacity, Index observation_size, ObservationType type)
    : capacity_(capacity), observation_size_(observation_size) {
  if (capacity < 1) fail("a replay of ", capacity, " observations, must hold at least 1");
  if (observation_size < 1) fail("observations of ", observation_size, " elements, must have at least 1");
  check_memory(bytes_needed(capacity, observation_size, type), "the replay's observations");
  const std::size_t elements = static_cast<std::size_t>(capacity * observation_size);
  if (type == ObservationType::kFloat32)
    data_ = HostArray<float>(elements);
  else
    data_ = HostArray<std::uint8_t>(elements);
  changed_ = ChangedBlocks(static_cast<std::size_t>(capacity));
}

Index ObservationStore::bytes_needed(Index capacity, Index observation_size, ObservationType type) {
  const Index element = type == ObservationType::kFloat32 ? sizeof(float) : sizeof(std::uint8_t);
  return checked_product(checked_product(capacity, observation_size, "a replay's observations"), element,
                         "a replay's observations");
}

ObservationType ObservationStore::type() const {
  return data_.index() == 0 ? ObservationType::kFloat32 : ObservationType::kUint8;
}

std::size_t ObservationStore::checked_offset(Index slot) const {
  if (slot < 0 || slot >= capacity_)
    fail("there is no slot ", slot, " in a replay of ", capacity_, " observations");
  return static_cast<std::size_t>(slot * observation_size_);
}

void ObservationStore::store(Index slot, std::span<const float> observation) {
  const std::size_t offset = checked_offset(slot);
  if (observation.size() != static_cast<std::size_t>(observation_size_))
    fail("an observation of ", observation.size(), " elements, the replay's have ", observation_size_);
  changed_.mark(static_cast<std::size_t>(slot));
  if (auto* floats = std::get_if<HostArray<float>>(&data_)) {
    std::copy(observation.begin(), observation.end(), floats->begin() + offset);
    return;
  }
  check_bytes(observation);
  std::transform(observation.begin(), observation.end(),
                 std::get<HostArray<std::uint8_t>>(data_).begin() + offset,
                 [](float x) { return static_cast<std::uint8_t>(static_cast<std::int32_t>(x)); });
}

void ObservationStore::gather(std::span<float> out, std::span<const Index> slots) const {
  const std::size_t size = static_cast<std::size_t>(observation_size_);
  if (out.size() != slots.size() * size)
    fail("gathering ", slots.size(), " observations of ", size, " elements into ", out.size(), " elements");
  std::visit(
      [&](const auto& data) {
        for (std::size_t n = 0; n < slots.size(); ++n)
          std::copy_n(data.data() + checked_offset(slots[n]), size, out.data() + n * size);
      },
      data_);
}

std::size_t ObservationStore::bytes_of_one() const {
  const std::size_t element = type() == ObservationType::kFloat32 ? sizeof(float) : sizeof(std::uint8_t);
  return static_cast<std::size_t>(observation_size_) * element;
}

std::span<const std::byte> ObservationStore::bytes(Index slot) const {
  checked_offset(slot);
  const std::size_t size = bytes_of_one();
  return std::visit(
      [&](const auto& data) {
        return std::as_bytes(std::span(data)).subspan(static_cast<std::size_t>(slot) * size, size);
      },
      data_);
}

void ObservationStore::set_bytes(Index slot, std::span<const std::byte> observation) {
  checked_offset(slot);
  const std::size_t size = bytes_of_one();
  if (observation.size() != size)
    fail("an observation of ", observation.size(), " bytes, the replay's have ", size);
  changed_.mark(static_cast<std::size_t>(slot));
  std::visit(
      [&](auto& data) {
        const std::span<std::byte> all = std::as_writable_bytes(std::span(data));
        std::ranges::copy(observation,
                          all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(slot) * size));
      },
      data_);
}

void ObservationStore::check_slots(std::span<const Index> slots) const {
  std::uint64_t largest = 0;  // a negative one is larger than all
  for (const Index slot : slots) largest = std::max(largest, static_cast<std::uint64_t>(slot));
  if (largest < static_cast<std::uint64_t>(capacity_)) return;
  for (const Index slot : slots) checked_offset(slot);
}

std::span<const float> ObservationStore::floats() const {
  const auto* const floats = std::get_if<HostArray<float>>(&data_);
  return floats ? std::span<const float>(*floats) : std::span<const float>();
}

void ObservationStore::save(StateWriter& out, std::span<const RowRange> written) const {
  std::visit(
      [&](const auto& data) {
        const std::span<const std::byte> bytes = std::as_bytes(std::span(data));
        out.add_rows("replay.observations", bytes, written, bytes_of_one(), &changed_);
      },
      data_);
}

void ObservationStore::load(const StateReader& in, std::span<const RowRange> written, RowRange kept) {
  std::visit(
      [&](auto& data) {
        const std::span<std::byte> to = std::as_writable_bytes(std::span(data));
        const std::size_t row = bytes_of_one();
        std::span<const std::byte> from = in.view<std::byte>("replay.observations", rows_in(written) * row);
        if (type() == ObservationType::kFloat32)
          check_finite_floats(in.source(), "replay.observations", from);
        for (const RowRange& range : written) {
          const RowRange both = {std::max(range.begin, kept.begin), std::min(range.end, kept.end)};
          if (both.begin < both.end)
            std::memcpy(to.data() + (both.begin - kept.begin) * row,
                        from.data() + (both.begin - range.begin) * row, (both.end - both.begin) * row);
          from = from.subspan((range.end - range.begin) * row);
        }
      },
      data_);
  changed_.mark_all();
}

}  // namespace bellman
