// The observations of a replay memory, in host memory, one a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "core/base/memory.h"
#include "core/base/tensor.h"
#include "rl/state/training_state.h"

namespace bellman {

/// What an element is stored as. Bytes take a quarter of the memory and suit pictures and one-hot vectors.
enum class ObservationType { kFloat32, kUint8 };

/// Whether all elements are whole numbers from 0 to 255.
bool are_bytes(std::span<const float> observation);
/// Throws: Error, naming the first element that is none, and its value.
void check_bytes(std::span<const float> observation);

/// `capacity` observations of `observation_size` elements. New slots hold zeros, and take no memory before
/// something is stored there. Only the constructor allocates.
class ObservationStore {
 public:
  /// Throws: Error when a size is below 1, or memory is short (naming what is needed and what there is).
  ObservationStore(Index capacity, Index observation_size, ObservationType type);

  /// Copies an observation (I) into a slot.
  /// Throws: Error when there is no such slot, when the observation has another size and, for kUint8, when an
  /// element is not a whole number from 0 to 255; names the element and its value, and the slot keeps what it
  /// held.
  void store(Index slot, std::span<const float> observation);

  /// out(B,I): row n is what slots[n] holds. A stack is k slots in a row of Batch::frames: k of these rows, one after
  /// the other, are its k frames. Throws: Error when sizes do not fit or there is no such slot.
  void gather(std::span<float> out, std::span<const Index> slots) const;

  Index capacity() const { return capacity_; }
  Index observation_size() const { return observation_size_; }
  ObservationType type() const;
  /// All slots (capacity, I), when they hold floats; else nothing.
  std::span<const float> floats() const;
  /// What a slot holds, as it is stored, and its size. Throws: Error when there is no such slot.
  std::span<const std::byte> bytes(Index slot) const;
  std::size_t bytes_of_one() const;
  /// Puts what bytes() gave into a slot. Throws: Error also for another size.
  void set_bytes(Index slot, std::span<const std::byte> observation);
  /// Throws: Error when one of them is no slot.
  void check_slots(std::span<const Index> slots) const;
  /// The observations of the slots in `written`.
  void save(StateWriter& out, std::span<const RowRange> written) const;
  /// From a state that has the observations of the slots in `written`: those of them in `kept`, whose first one is put
  /// into slot 0. Throws: Error as StateReader::view; when they are not as many, and for one that is
  /// not finite.
  void load(const StateReader& in, std::span<const RowRange> written, RowRange kept = {0, ~std::size_t{0}});

  /// What a store of these sizes needs. Throws: Error for more than 2^63 - 1 bytes.
  static Index bytes_needed(Index capacity, Index observation_size, ObservationType type);

 private:
  std::size_t checked_offset(Index slot) const;

  Index capacity_;
  Index observation_size_;
  std::variant<HostArray<float>, HostArray<std::uint8_t>> data_;  // (capacity, I)
  ChangedBlocks changed_;                                         // of slots
};

}  // namespace bellman
