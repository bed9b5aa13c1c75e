// The observations of a replay memory, in host memory, one a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "core/tensor.h"
#include "rl/training_state.h"

namespace bellman {

/// What an element is stored as. Bytes take a quarter of the memory and suit pictures and one-hot vectors.
enum class ObservationType { kFloat32, kUint8 };

/// Throws: Error, naming the first element that is not a whole number from 0 to 255, and its value.
void check_bytes(std::span<const float> observation);

/// `capacity` observations of `observation_size` elements. New slots hold zeros. Only the constructor
/// allocates.
class ObservationStore {
 public:
  /// Throws: Error when a size is below 1, or memory is short (naming what is needed and what there is).
  ObservationStore(Index capacity, Index observation_size, ObservationType type);

  /// Copies an observation (I) into a slot.
  /// Throws: Error when there is no such slot, when the observation has another size and, for kUint8, when an
  /// element is not a whole number from 0 to 255; names the element and its value, and the slot keeps what it
  /// held.
  void store(Index slot, std::span<const float> observation);

  /// out(B,I): row n is what slots[n] holds. Throws: Error when sizes do not fit or there is no such slot.
  void gather(std::span<float> out, std::span<const Index> slots) const;

  Index capacity() const { return capacity_; }
  Index observation_size() const { return observation_size_; }
  ObservationType type() const;
  /// All slots (capacity, I), when they hold floats; else nothing.
  std::span<const float> floats() const;
  /// Throws: Error when one of them is no slot.
  void check_slots(std::span<const Index> slots) const;
  /// Everything that is stored, as bytes: slot after slot, floats in the machine's byte order.
  std::span<const std::byte> state() const;
  /// Copies. Throws: Error when the number of bytes is not this store's.
  void set_state(std::span<const std::byte> bytes);
  void save(StateWriter& out) const {
    const auto slots = static_cast<std::size_t>(capacity_);
    out.add_changed("replay.observations", state(), state().size() / slots, slots, changed_);
  }
  /// Throws: as set_state, and as StateReader::get.
  /// And for an observation that is not finite.
  void load(const StateReader& in);

  /// What a store of these sizes needs. Throws: Error for more than 2^63 - 1 bytes.
  static Index bytes_needed(Index capacity, Index observation_size, ObservationType type);

 private:
  std::size_t checked_offset(Index slot) const;

  Index capacity_;
  Index observation_size_;
  std::variant<std::vector<float>, std::vector<std::uint8_t>> data_;  // (capacity, I)
  ChangedBlocks changed_;                                             // of slots
};

}  // namespace bellman
